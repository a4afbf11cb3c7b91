import type { Graph } from './api.ts'
import { framesOf } from './layout.ts'
import { NodeCard } from './node-card.tsx'
import { nameOf } from './text.ts'

type Props = {
  readonly graph: Graph
  readonly open: string | undefined
  readonly onOpen: (part: string) => void
}

/** The graph in words: frame by frame, each node below those it comes after. */
export const NodeList = ({ graph, open, onOpen }: Props) => {
  const before = (part: string): readonly string[] =>
    graph.edges.flatMap(({ source, target, kind }) => (target === part && kind === 'after' ? [source] : []))
  return framesOf(inOrder(graph)).map((frame) => (
    <section className="frame-list" key={frame.id}>
      <h2>
        {frame.pipeline} <span className="quiet">{frame.host ? `on ${frame.host}` : 'on no host yet'}</span>
      </h2>
      <ul>
        {frame.nodes.map((node) => (
          <li key={node.part}>
            <NodeCard node={node} open={node.part === open} onOpen={onOpen} />
            {before(node.part).length > 0 && (
              <p className="quiet after">after {before(node.part).map(nameOf).join(', ')}</p>
            )}
            {node.of && <p className="quiet after">stands for {node.of}</p>}
          </li>
        ))}
      </ul>
    </section>
  ))
}

/** The nodes, each behind those before it; clients last. */
const inOrder = ({ nodes, edges }: Graph): Graph['nodes'] => {
  const found: string[] = []
  const visit = (part: string, way: readonly string[]): void => {
    if (found.includes(part) || way.includes(part)) return
    for (const { source, target, kind } of edges) if (target === part && kind === 'after') visit(source, [...way, part])
    found.push(part)
  }
  for (const node of nodes.toSorted((one, other) => Number('of' in one) - Number('of' in other))) visit(node.part, [])
  return nodes.toSorted((one, other) => found.indexOf(one.part) - found.indexOf(other.part))
}
