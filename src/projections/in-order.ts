import { visible } from './listed.ts'
import { graphs } from './pipeline-tables.ts'
import type { Db } from './reader.ts'

/** The definitions of all pipelines that are known at a place in the log. */
export const definitionsIn = (db: Db, at: number | undefined) =>
  db.select().from(graphs).where(visible(graphs, at)).orderBy(graphs.pipeline).all()

/**
 * Parts in the one order that the graph and each of its runs are shown in: each behind those before it, otherwise as their
 * pipelines define them; what nobody has defined, and clients, which stand for others, come last.
 */
export const inOrder = (
  parts: Iterable<string>,
  before: (part: string) => readonly string[],
  definitions: ReturnType<typeof definitionsIn>,
): readonly string[] => {
  const defined = definitions.flatMap(({ graph: { pipeline, nodes } }) =>
    nodes.map(({ name, of }) => ({ part: `${pipeline}/${name}`, isClient: of !== undefined })),
  )
  const all = new Set(parts)
  const known = new Set(defined.map(({ part }) => part))
  const given = [
    ...defined.filter(({ isClient }) => !isClient).map(({ part }) => part),
    ...[...all].filter((part) => !known.has(part)).toSorted(),
    ...defined.filter(({ isClient }) => isClient).map(({ part }) => part),
  ].filter((part) => all.has(part))
  const rank = new Map(given.map((part, index) => [part, index] as const))
  const rankOf = (part: string): number => rank.get(part) ?? given.length
  const ranked = (part: string): readonly string[] =>
    before(part)
      .filter((one) => all.has(one))
      .toSorted((one, other) => rankOf(one) - rankOf(other))

  const placed = new Set<string>()
  const entered = new Set<string>()
  for (const first of given) {
    const way = entered.has(first) ? [] : [first]
    for (let part = way.at(-1); part !== undefined; part = way.at(-1)) {
      entered.add(part)
      const next = ranked(part).find((one) => !entered.has(one))
      if (next === undefined) placed.add(way.pop() ?? part)
      else way.push(next)
    }
  }
  return [...placed]
}
