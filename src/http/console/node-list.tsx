import type { Graph } from './api.ts'
import { framesOf } from './frames.ts'
import { NodeCard } from './node-card.tsx'
import { nameOf } from './text.ts'

type Props = {
  readonly graph: Graph
  readonly open: string | undefined
  readonly onOpen: (part: string) => void
}

/** The graph in words: frame by frame, the nodes in the order that they come in, each below those it comes after. */
export const NodeList = ({ graph, open, onOpen }: Props) => {
  const before = (part: string): readonly string[] =>
    graph.edges.flatMap(({ source, target, kind }) => (target === part && kind === 'after' ? [source] : []))
  return framesOf(graph.nodes).map((frame) => (
    <section className="frame-list" key={frame.id}>
      <h2>
        {frame.pipeline} <span className="quiet">{frame.host ? `on ${frame.host}` : 'on no host'}</span>
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
