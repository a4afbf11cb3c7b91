import { useQuery } from '@tanstack/react-query'
import type { GraphNode } from './api.ts'
import { ArtifactLink } from './artifact-link.tsx'
import { Moment } from './moment.tsx'
import { ProblemNote } from './problem-note.tsx'
import { historyQuery } from './queries.ts'
import { isClient } from './states.ts'

type Props = { readonly node: GraphNode; readonly run: string | undefined }

/** How many are shown where no run bounds them. */
const most = 20

/** What happened to artifacts at a node: in the run that is looked at, or last. */
export const NodeArtifacts = ({ node, run }: Props) => {
  const { data, error, refetch } = useQuery(historyQuery({ node: node.part, run, ...(!run && { limit: most }) }))
  // That something was said of a file is told on its page.
  const happened = data?.items.filter(({ what }) => what !== 'tagged') ?? []
  return (
    <>
      <h3>{isClient(node) ? 'What went through it' : 'Artifacts'}</h3>
      {error && <ProblemNote error={error} retry={refetch} />}
      {data && happened.length === 0 && (
        <p className="quiet">{run ? `None in ${run}.` : 'None yet: no run has taken or given a file here.'}</p>
      )}
      <ol className="rows">
        {happened.map((one) => (
          <li key={`${one.position} ${one.store} ${one.path}`}>
            <ArtifactLink store={one.store} path={one.path} />{' '}
            <span className="quiet">
              {one.what}
              {!run && one.run && ` in ${one.run}`}, <Moment at={one.at} />
            </span>
          </li>
        ))}
      </ol>
    </>
  )
}
