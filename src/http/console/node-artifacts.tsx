import { useQuery } from '@tanstack/react-query'
import type { Graph, GraphNode } from './api.ts'
import { ArtifactLink } from './artifact-link.tsx'
import { Moment } from './moment.tsx'
import { ProblemNote } from './problem-note.tsx'
import { historyQuery } from './queries.ts'

type Props = { readonly node: GraphNode; readonly graph: Graph; readonly run: string | undefined }

/** What happened to artifacts at a node in one run: the one that is looked at, or the last. */
export const NodeArtifacts = ({ node, graph, run }: Props) => {
  const last = node.run ?? graph.nodes.find((other) => other.pipeline === node.pipeline && other.run)?.run
  const of = run ?? last ?? undefined
  const { data, error, refetch } = useQuery({
    ...historyQuery({ node: node.part, run: of }),
    enabled: of !== undefined,
  })
  return (
    <>
      <h3>Artifacts{of && ` in ${of}`}</h3>
      {error && <ProblemNote error={error} retry={refetch} />}
      {(of === undefined || data?.items.length === 0) && <p className="quiet">None.</p>}
      <ol className="rows">
        {data?.items.map((one) => (
          <li key={`${one.position} ${one.store} ${one.path}`}>
            <ArtifactLink store={one.store} path={one.path} />{' '}
            <span className="quiet">
              {one.what} <Moment at={one.at} />
            </span>
          </li>
        ))}
      </ol>
    </>
  )
}
