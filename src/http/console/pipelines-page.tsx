import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { without } from './frames.ts'
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
  const [all, showAll] = useState(false)
  const idle = graph?.idle?.map(({ pipeline }) => pipeline) ?? []
  // What an address names is shown whatever becomes of it.
  const shown =
    graph &&
    (all
      ? graph
      : without(
          graph,
          idle.filter((pipeline) => !open?.startsWith(`${pipeline}/`)),
        ))
  const keepers = new Set(shown?.nodes.flatMap(({ kind, pipeline }) => (kind === 'metadata-store' ? [pipeline] : [])))
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
      {shown && shown.nodes.length > 0 && <GraphView graph={shown} open={open} onOpen={onOpen} />}
      {idle.length > 0 && (
        <p className="note">
          No host has run for a week: {idle.join(', ')}.{' '}
          <button type="button" aria-pressed={all} onClick={() => showAll(!all)}>
            {all ? 'Hide them' : 'Show them'}
          </button>
        </p>
      )}
    </Page>
  )
}
