import fc from 'fast-check'
import type { RunNode } from '#contracts/pipeline'

/** How an execution ends. */
export type Scripted = 'succeeded' | 'failed' | 'errored'

/** A run before it begins: its nodes, and how each try of each of them would end. */
export type Story = { readonly nodes: readonly RunNode[]; readonly script: ReadonlyMap<string, readonly Scripted[]> }

/** What becomes of each node: how it ends, and how often it is tried. */
export type Expected = ReadonlyMap<string, { readonly state: Scripted | 'skipped'; readonly tries: number }>

/** A run as it must end, worked out from its graph alone: nothing here knows of events, owners or time. */
export const expectedOf = ({ nodes, script }: Story): Expected => {
  const ends = new Map<string, { readonly state: Scripted | 'skipped'; readonly tries: number }>()
  const isStore = new Set(nodes.filter(({ kind }) => kind !== 'action').map(({ part }) => part))
  const endOf = (node: RunNode) => {
    const actions = node.after.filter((part) => !isStore.has(part))
    const won = actions.filter((part) => ends.get(part)?.state === 'succeeded').length
    const begins = node.join === 'any' && actions.length > 0 ? won > 0 : won === actions.length
    if (!begins) return { state: 'skipped', tries: 0 } as const
    const tries = script.get(node.part) ?? []
    const most = 1 + (node.retry?.times ?? 0)
    for (let at = 0; at < most; at++) {
      const state = tries[at] ?? 'succeeded'
      if (state !== 'errored' || at === most - 1) return { state, tries: at + 1 }
    }
    throw new Error('never')
  }
  // Each node comes after those before it.
  for (const node of nodes) if (node.kind === 'action') ends.set(node.part, endOf(node))
  return ends
}

/** How the run ends as a whole. */
export const outcomeOf = (expected: Expected): 'succeeded' | 'failed' =>
  [...expected.values()].every(({ state }) => state === 'succeeded') ? 'succeeded' : 'failed'

/** Any run of up to so many nodes: every edge leads forward, so there is no cycle. */
export const anyStory = (most: number): fc.Arbitrary<Story> =>
  fc.integer({ min: 1, max: most }).chain((count) => {
    const names = Array.from({ length: count }, (_, at) => `p/n${at}`)
    const outcome = fc.oneof(
      { weight: 6, arbitrary: fc.constant<Scripted>('succeeded') },
      { weight: 2, arbitrary: fc.constant<Scripted>('errored') },
      { weight: 1, arbitrary: fc.constant<Scripted>('failed') },
    )
    const node = (at: number) =>
      fc.record({
        part: fc.constant(names[at] as string),
        kind: fc.constantFrom('action' as const, 'action' as const, 'action' as const, 'filesystem-store' as const),
        after: fc.subarray(names.slice(0, at), { maxLength: Math.min(4, at) }),
        join: fc.constantFrom('all' as const, 'any' as const, undefined),
        times: fc.integer({ min: 0, max: 2 }),
        script: fc.array(outcome, { minLength: 3, maxLength: 3 }),
      })
    return fc.tuple(...names.map((_, at) => node(at))).map((drawn): Story => {
      const stores = new Set(drawn.filter(({ kind }) => kind !== 'action').map(({ part }) => part))
      return {
        nodes: drawn.map(({ part, kind, after, join, times }) => ({
          part,
          kind,
          after: stores.has(part) ? [] : after,
          ...(join && { join }),
          ...(times > 0 && { retry: { times, delay: 1, factor: 1, most: 1 } }),
        })),
        script: new Map(drawn.map(({ part, script }) => [part, script])),
      }
    })
  })
