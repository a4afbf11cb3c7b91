import type { Bus } from '#bus/bus'
import type { ShownNode } from '#projections/graph-view'

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
