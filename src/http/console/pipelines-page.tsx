import { useQuery } from '@tanstack/react-query'
import { GraphView } from './graph-view.tsx'
import { Page } from './page.tsx'
import { PipelineControls } from './pipeline-controls.tsx'
import { ProblemNote } from './problem-note.tsx'
import { graphQuery } from './queries.ts'
import { go, useAddress } from './router.ts'

/** All connected pipelines, live. */
export const PipelinesPage = () => {
  const { data: graph, error, refetch } = useQuery(graphQuery)
  const open = useAddress().said.get('node') ?? undefined
  const onOpen = (part?: string) => go(part ? `/?${new URLSearchParams({ node: part })}` : '/', { replace: true })
  const keepers = new Set(graph?.nodes.flatMap(({ kind, pipeline }) => (kind === 'metadata-store' ? [pipeline] : [])))
  return (
    <Page title="Pipelines">
      {error && <ProblemNote error={error} retry={refetch} />}
      {!graph && !error && <p className="quiet">Reading …</p>}
      {graph?.nodes.length === 0 && (
        <p className="note">
          No pipeline is connected yet. Start one: <code>millrace up examples/file-transfer</code>
        </p>
      )}
      <PipelineControls pipelines={[...keepers]} />
      {graph && graph.nodes.length > 0 && <GraphView graph={graph} open={open} onOpen={onOpen} />}
    </Page>
  )
}
