import type { Last, Present } from './presence.ts'

/** After how long without a host a pipeline counts as one that nobody runs any more: a week, in milliseconds. */
export const idleAfter = 7 * 86_400_000

type Node = {
  readonly part: string
  readonly pipeline: string
  readonly host: string | null
  /** Whether a run that goes on has it. */
  readonly isAsked: boolean
}

/** A pipeline that no host has run since then, as far as anybody knows; ISO 8601. */
export type Idle = { readonly pipeline: string; readonly since: string }

/**
 * Pipelines that no host has run for a week, and that no run waits for. Nothing can end a pipeline: who owns it decides for it, and
 * he is gone. So it stays what it was, and is told apart.
 */
export const idleIn = (
  definitions: readonly { readonly pipeline: string; readonly at: number }[],
  nodes: readonly Node[],
  last: ReadonlyMap<string, Last>,
  present: Present,
): Idle[] =>
  definitions.flatMap(({ pipeline, at }) => {
    const own = nodes.filter((node) => node.pipeline === pipeline)
    if (own.some(({ host, isAsked }) => host !== null || isAsked)) return []
    const times = own.flatMap(({ part }) => last.get(part) ?? []).map((one) => runUntil(one, present))
    const since = Math.max(at, ...times)
    return present.at - since > idleAfter ? [{ pipeline, since: new Date(since).toISOString() }] : []
  })

/** Until when a host was there: it said so, or was seen. One that went without a word may have been, until somebody looked. */
const runUntil = ({ host, stoppedAt }: Last, { seenAt, since }: Present): number => stoppedAt ?? seenAt(host) ?? since
