import { setTimeout as delay } from 'node:timers/promises'
import type { Bus } from '#bus/bus'
import type { ShownNode } from '#projections/graph-view'

/**
 * Tells whoever listens that hosts have come or gone. Presence is no event, so it is looked at, every so many milliseconds
 * and only while somebody listens.
 */
export const watchPresence = (bus: Pick<Bus, 'present' | 'connected'>, every: number) => {
  const listeners = new Set<(hosts: readonly string[]) => void>()
  let known: readonly string[] | undefined
  let looking = false
  const look = async (): Promise<void> => {
    const present = bus.connected() ? await bus.present().catch(() => undefined) : undefined
    const hosts = present?.map(({ host }) => host)
    if (hosts && known && hosts.join() !== known.join()) for (const listener of listeners) listener(hosts)
    known = hosts ?? known
  }
  const lookOn = async (): Promise<void> => {
    looking = true
    while (listeners.size > 0) {
      await look()
      await delay(every, undefined, { ref: false })
    }
    looking = false
    known = undefined
  }
  return (listener: (hosts: readonly string[]) => void): (() => void) => {
    listeners.add(listener)
    if (!looking) void lookOn()
    return () => listeners.delete(listener)
  }
}

/** What is asked of hosts that may have gone without a word. */
const needsHost = ['queued', 'running']

/** A graph, with the nodes whose host is away shown as waiting for it. Presence is no history, so it is only known of now. */
export const withPresence = async (bus: Pick<Bus, 'present' | 'connected'>, graph: unknown): Promise<unknown> => {
  const present = bus.connected() ? await bus.present().catch(() => undefined) : undefined
  if (!present) return graph
  const hostOf = new Map(present.flatMap(({ host, nodes }) => nodes.map((node) => [node, host] as const)))
  const { nodes, ...more } = graph as { readonly nodes: readonly ShownNode[] }
  return {
    ...more,
    nodes: nodes.map((node) => {
      const host = hostOf.get(node.part) ?? node.host
      if (hostOf.has(node.part) || !needsHost.includes(node.state)) return { ...node, host }
      const reason = host ? `waiting for host ${host}, which is away` : 'waiting for a host that runs it'
      return { ...node, host, state: 'host away', reason }
    }),
  }
}
