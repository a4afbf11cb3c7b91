import type { Bus, Presence } from '#bus/bus'
import { disk, type Room, roomOf } from '#contracts/disk'
import { within } from './within.ts'

/** Who is there at this moment; and of whoever was there at an earlier look, when that was, in milliseconds since 1970. */
export type Present = {
  readonly hosts: readonly Presence[]
  /** Since when it has been looked, and when it was this time, in milliseconds since 1970. */
  readonly since: number
  readonly at: number
  readonly seenAt: (host: string) => number | undefined
}

/** Looks who is there; undefined where nobody can tell. Presence is no history: what was seen is forgotten with the process. */
export const lookout = (bus: Pick<Bus, 'present' | 'connected'>): (() => Promise<Present | undefined>) => {
  const seen = new Map<string, number>()
  const since = Date.now()
  return async () => {
    const hosts = bus.connected() ? await within(bus.present()) : undefined
    for (const { host, seenAt } of hosts ?? []) seen.set(host, seenAt)
    return hosts && { hosts, since, at: Date.now(), seenAt: (host) => seen.get(host) }
  }
}

/** How much room there is for a part, as a host that runs it found; null where nobody can tell. */
export const roomAtPart = (present: Present | undefined, part: string): Room | null => {
  const found = (present?.hosts ?? []).flatMap(({ nodes, disks }) => (nodes.includes(part) ? [disks?.[part]] : []))
  const known = found.map((one) => disk.safeParse(one).data).find((one) => one !== undefined)
  return known ? roomOf(known) : null
}

/** What a node says of where it runs. */
type Hosted = {
  readonly part: string
  readonly kind: string
  readonly state: string
  readonly reason: string | null
  readonly run: string | null
  readonly host: string | null
}

/** Which host said last that it runs a node, and when it said that it stops, in milliseconds since 1970. */
export type Last = { readonly host: string; readonly stoppedAt: number | null }

/** The host that runs a node as far as the log says: it has not said that it stops. */
export const hostLast = (last: Last | undefined): string | null => (last?.stoppedAt === null ? last.host : null)

/** What is asked of hosts that may have gone without a word. */
const needsHost = ['queued', 'preparing', 'running', 'cleaning-up']

/** How an action's last run went: that stays true when its host has gone. */
const outcomes = ['succeeded', 'failed', 'errored', 'skipped', 'cancelled']

/** A node as it stands given who is there: with the host that runs it, or that can, or as one that has none. */
export const hostedBy = <Node extends Hosted>(node: Node, present: Present, last?: Last): Node => {
  const { hosts, seenAt } = present
  const able = hosts.filter(({ nodes }) => nodes.includes(node.part)).map(({ host }) => host)
  if (node.host !== null && able.includes(node.host)) return node
  const host = able[0] ?? node.host
  if (!needsHost.includes(node.state))
    return able.length > 0 || node.kind === 'unknown' ? { ...node, host } : hostless(node, present, last)
  if (able.length === 0) {
    const reason =
      host === null
        ? 'waiting for a host that runs it'
        : `waiting for host ${host}, which is away${lastSeen(seenAt(host))}`
    return { ...node, host, state: 'host away', reason: node.reason === null ? reason : `${reason}; ${node.reason}` }
  }
  if (node.host === null || node.state === 'queued') return { ...node, host }
  const reason = `host ${node.host} is away${lastSeen(seenAt(node.host))}; ${host} can take over`
  return { ...node, host, state: 'host away', reason }
}

/**
 * A node of a run that goes on, given who is there: one that is asked for something is never at work on a host that is away, but
 * waits for it. What else the run says of its nodes was so and stays so, whoever comes and goes.
 */
export const askedOf = <Node extends Hosted>(node: Node, present: Present, last?: Last): Node =>
  needsHost.includes(node.state) ? hostedBy({ ...node, host: node.host ?? hostLast(last) }, present, last) : node

/** A node that is asked for nothing, and that nobody runs: how its last run went is kept, all else of it would look alive. */
const hostless = <Node extends Hosted>(node: Node, present: Present, last: Last | undefined): Node => {
  const reason = `no host runs it${last ? sinceWhen(last, present) : ''}`
  const before = node.reason === null ? '' : `; ${node.reason}`
  if (node.kind !== 'action') return { ...node, host: null, state: 'host away', reason }
  if (outcomes.includes(node.state)) return { ...node, host: null, reason: reason + before }
  return { ...node, host: null, state: 'host away', reason: node.run === null ? reason : reason + before }
}

const sinceWhen = ({ host, stoppedAt }: Last, { seenAt }: Present): string => {
  if (stoppedAt !== null) return ` since ${new Date(stoppedAt).toISOString()}`
  return `: ${host} is away${lastSeen(seenAt(host))}`
}

const lastSeen = (at: number | undefined): string =>
  at === undefined ? '' : `, last seen at ${new Date(at).toISOString()}`
