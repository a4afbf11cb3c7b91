import type { Lineage, LineageThing } from '#client/artifacts'
import { printable } from './printable.ts'

/** A node of the tree: what stands there, and what stands below it. */
type Branch = { readonly id: string; readonly how: string }

/**
 * Lineage as a tree on a terminal. `back`: below each thing stands what it came from; else what came of it. Each is told
 * once, and is `(above)` when it is met again.
 */
export const treeOf = ({ from, things, edges }: Lineage, back: boolean): string[] => {
  const byId = new Map(things.map((thing) => [thing.id, thing]))
  const below = Map.groupBy(edges, ({ source, target }) => (back ? target : source))
  const told = new Set<string>()
  const branchesOf = (id: string): readonly Branch[] => {
    const all = below
      .get(id)
      ?.map(({ source, target, kind }) => (back ? { id: source, kind } : { id: target, kind }))
      .map(({ id: branch, kind }) => ({ id: branch, how: wordOf(kind, back, byId.get(id), byId.get(branch)) }))
    return [...new Map(all?.map((branch) => [`${branch.how} ${branch.id}`, branch])).values()]
  }
  const lines: string[] = []
  /** What is still to be said, the next last: a chain of machines may be deeper than a stack. */
  const open = from.toReversed().map((id) => ({ id, how: '', lead: '', indent: '' }))
  for (let next = open.pop(); next; next = open.pop()) {
    const { id, how, lead, indent } = next
    const again = told.has(id)
    const branches = again ? [] : branchesOf(id)
    told.add(id)
    lines.push(printable(`${lead}${how && `${how} `}${nameOf(byId.get(id))}${again ? ' (above)' : ''}`))
    const [last, ...others] = branches.toReversed()
    if (last) open.push({ ...last, lead: `${indent}└─ `, indent: `${indent}   ` })
    for (const branch of others) open.push({ ...branch, lead: `${indent}├─ `, indent: `${indent}│  ` })
  }
  return lines
}

/** An edge in words, read from the thing above it to the thing below: it is executions that do something. */
const wordOf = (kind: string, back: boolean, above: LineageThing | undefined, below: LineageThing | undefined) => {
  if (kind === 'after') return back ? 'after' : 'before'
  if (below?.kind === 'execution') return `${kind} by`
  // A script that fetches is no execution: its copy is beside what it came from.
  if (above?.kind === 'artifact') return `${kind} ${back ? 'from' : 'as'}`
  return kind
}

const nameOf = (thing: LineageThing | undefined): string => {
  if (thing === undefined) return '?'
  if (thing.kind === 'execution') return `${thing.part} in run ${thing.run}`
  return `${thing.store} ${thing.path} (${thing.digest.slice(0, 12)})`
}
