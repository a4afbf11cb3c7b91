import { useInfiniteQuery } from '@tanstack/react-query'
import type { GraphNode } from './api.ts'
import { ArtifactLink } from './artifact-link.tsx'
import { Link } from './link.tsx'
import { Moment } from './moment.tsx'
import { ProblemNote } from './problem-note.tsx'
import { artifactsQuery } from './queries.ts'

const shown = 10

/** What lies in a store. */
export const NodeStored = ({ node }: { readonly node: GraphNode }) => {
  const { data, error, refetch } = useInfiniteQuery(artifactsQuery({ node: node.part }))
  const found = data?.pages.flatMap(({ items }) => items) ?? []
  return (
    <>
      <h3>Artifacts</h3>
      {error && <ProblemNote error={error} retry={refetch} />}
      {data && found.length === 0 && (
        <p className="quiet">
          None yet{node.watch && node.path ? ': drop a file into ' : '.'}
          {node.watch && node.path && <code>{node.path}</code>}
        </p>
      )}
      <ol className="rows">
        {found
          .toSorted((one, other) => Date.parse(other.at) - Date.parse(one.at))
          .slice(0, shown)
          .map((one) => (
            <li key={one.path}>
              <ArtifactLink store={one.store} path={one.path} />{' '}
              <span className="quiet">
                {one.state} <Moment at={one.at} />
              </span>
            </li>
          ))}
      </ol>
      {found.length > 0 && <Link to={`/artifacts/${node.part}`}>All artifacts of this store</Link>}
    </>
  )
}
