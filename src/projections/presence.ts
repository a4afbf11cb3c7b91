import type { Bus, Presence } from '#bus/bus'
import { within } from './within.ts'

/** Who is there at this moment; and of whoever was there at an earlier look, when that was, in milliseconds since 1970. */
export type Present = {
  readonly hosts: readonly Presence[]
  readonly seenAt: (host: string) => number | undefined
}

/** Looks who is there; undefined where nobody can tell. Presence is no history: what was seen is forgotten with the process. */
export const lookout = (bus: Pick<Bus, 'present' | 'connected'>): (() => Promise<Present | undefined>) => {
  const seen = new Map<string, number>()
  return async () => {
    const hosts = bus.connected() ? await within(bus.present()) : undefined
    for (const { host, seenAt } of hosts ?? []) seen.set(host, seenAt)
    return hosts && { hosts, seenAt: (host) => seen.get(host) }
  }
}

/** What a node says of where it runs. */
type Hosted = {
  readonly part: string
  readonly state: string
  readonly reason: string | null
  readonly host: string | null
}

/** What is asked of hosts that may have gone without a word. */
const needsHost = ['queued', 'running']

/** A node as it stands given who is there: with the host that runs it, or that can, or as one that waits for its host. */
export const hostedBy = <Node extends Hosted>(node: Node, { hosts, seenAt }: Present): Node => {
  const able = hosts.filter(({ nodes }) => nodes.includes(node.part)).map(({ host }) => host)
  if (node.host !== null && able.includes(node.host)) return node
  const host = able[0] ?? node.host
  if (!needsHost.includes(node.state)) return { ...node, host }
  if (able.length === 0) {
    const reason =
      host === null
        ? 'waiting for a host that runs it'
        : `waiting for host ${host}, which is away${lastSeen(seenAt(host))}`
    return { ...node, host, state: 'host away', reason }
  }
  if (node.host === null || node.state === 'queued') return { ...node, host }
  return { ...node, host, reason: `host ${node.host} is away${lastSeen(seenAt(node.host))}; ${host} can take over` }
}

const lastSeen = (at: number | undefined): string =>
  at === undefined ? '' : `, last seen at ${new Date(at).toISOString()}`
