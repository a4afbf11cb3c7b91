import { useQuery } from '@tanstack/react-query'
import type { GraphNode } from './api.ts'
import { ArtifactLink } from './artifact-link.tsx'
import { Folder } from './folder.tsx'
import { Link } from './link.tsx'
import { Moment } from './moment.tsx'
import { ProblemNote } from './problem-note.tsx'
import { storedQuery } from './queries.ts'

/** What came into a store last. */
export const NodeStored = ({ node }: { readonly node: GraphNode }) => {
  const { data, error, refetch } = useQuery(storedQuery(node.part))
  const found = data?.items ?? []
  return (
    <>
      <h3>Artifacts</h3>
      {error && <ProblemNote error={error} retry={refetch} />}
      {data && found.length === 0 && (
        <p className="quiet">
          None yet{node.watch && node.path ? ': drop a file into ' : '.'}
          {node.watch && node.path && <Folder path={node.path} />}
        </p>
      )}
      <ol className="rows">
        {found.map((one) => (
          <li key={one.path}>
            <ArtifactLink store={one.store} path={one.path} />{' '}
            <span className="quiet">
              {one.state}, <Moment at={one.at} />
            </span>
          </li>
        ))}
      </ol>
      {found.length > 0 && <Link to={`/artifacts/${node.part}`}>All artifacts of this store</Link>}
    </>
  )
}
