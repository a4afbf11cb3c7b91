import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query'
import type { Attempt, Graph, Noted, Page, Run, RunDetail, Span } from './api.ts'
import type { Artifact, ArtifactTag, Happening, Lineage } from './api-artifacts.ts'
import type { Host, Pause, Present, Preview, Request } from './api-orders.ts'
import { read, type Said } from './ask.ts'
import { lastLines } from './log-api.ts'

/** The first word of a query's key is its topic: `live.ts` says which events touch which. */
export const graphQuery = queryOptions({
  queryKey: ['graph'],
  queryFn: ({ signal }) => read<Graph>('/api/graph', {}, signal),
  // Whether a host is there is no event.
  refetchOnWindowFocus: 'always',
})

export const listed = <T>(topic: string, path: string, said: Said) =>
  queryOptions({
    queryKey: [topic, said],
    queryFn: ({ signal }) => read<Page<T>>(path, said, signal),
  })

export const paged = <T>(topic: string, path: string, said: Said, of = 'paged') =>
  infiniteQueryOptions({
    queryKey: [topic, of, said],
    queryFn: ({ signal, pageParam }) => read<Page<T>>(path, { ...said, limit: 50, cursor: pageParam }, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ next }) => next ?? undefined,
    placeholderData: keepPreviousData,
  })

export const artifactsQuery = (said: Said) => paged<Artifact>('artifacts', '/api/artifacts', said)
/** What came last into a store. */
export const storedQuery = (node: string) =>
  listed<Artifact>('artifacts', '/api/artifacts', { node, sort: 'time', limit: 10 })
export const queuedQuery = listed<Request>('requests', '/api/requests', { state: 'queued' })
/** What was asked of a pipeline last. */
export const requestsQuery = (pipeline: string) => listed<Request>('requests', '/api/requests', { pipeline, limit: 20 })
/** Runs under way: these hold slots. */
export const openRunsQuery = (state: 'running' | 'paused' | 'cancelling') =>
  listed<Run>('runs', '/api/runs', { state, limit: 100 })
export const pausesQuery = listed<Pause>('pauses', '/api/pauses', { state: 'paused' })
export const definitionsQuery = listed<{
  readonly graph: { readonly pipeline: string; readonly concurrency?: number }
}>('graphs', '/api/graphs', {})
export const hostsQuery = listed<Host>('hosts', '/api/hosts', {})
/** Who is there at this moment: no event says it, but a presence that is told with them. */
export const presenceQuery = queryOptions({
  queryKey: ['presence'],
  queryFn: ({ signal }) => read<{ readonly items: readonly Present[] }>('/api/presence', {}, signal),
  refetchOnWindowFocus: 'always',
})

export const runQuery = (run: string) =>
  queryOptions({
    queryKey: ['run', run],
    queryFn: ({ signal }) => read<RunDetail>(`/api/runs/${run}`, {}, signal),
  })

/** What an attempt printed last. */
export const lastLinesQuery = (run: string, node: string, attempt: number) =>
  queryOptions({
    queryKey: ['run', run, 'last lines', node, attempt],
    queryFn: ({ signal }) => lastLines(`runs/${run}`, { node, attempt }, 12, signal),
  })

export const spansQuery = (run: string) =>
  queryOptions({
    queryKey: ['run', run, 'spans'],
    queryFn: ({ signal }) =>
      read<{ readonly spans: readonly Span[]; readonly more?: true }>(`/api/runs/${run}/spans`, {}, signal),
  })

/** What would be reused if a run were repeated: asked anew each time, as it can change. */
export const previewQuery = (run: string, from: string | readonly string[], definition: 'old' | 'present') =>
  queryOptions({
    queryKey: ['run', run, 'preview', from, definition],
    queryFn: ({ signal }) =>
      read<Preview>(
        `/api/runs/${run}/rerun`,
        { from: typeof from === 'string' ? from : from.join(','), definition },
        signal,
      ),
    staleTime: 0,
  })

export const attemptsQuery = (node: string, run?: string) =>
  listed<Attempt>('attempts', '/api/attempts', { node, run, limit: 10 })

/** What was noted of a pipeline, but of none of its runs, newest first. */
export const notedQuery = (kind: 'metrics' | 'params' | 'tags', pipeline: string) =>
  queryOptions({
    queryKey: ['noted', kind, pipeline],
    queryFn: ({ signal }) =>
      read<Page<Noted>>(`/api/${kind}`, { pipeline, run: 'none', order: 'desc', limit: 100 }, signal),
  })

/** What lies at a path. The API reads a star as anything, so whoever asks looks for the very path in the answer. */
export const artifactQuery = (node: string, path: string) =>
  listed<Artifact>('artifacts', '/api/artifacts', { node, path, limit: 1000 })
export const historyQuery = (said: {
  readonly node: string
  readonly path?: string
  readonly run?: string | undefined
  readonly limit?: number
}) => listed<Happening>('history', '/api/artifacts/history', { limit: 1000, ...said, order: 'desc' })
export const artifactTagsQuery = (node: string, path: string) =>
  listed<ArtifactTag>('artifact-tags', '/api/artifact-tags', { node, path, limit: 1000 })

export const lineageQuery = (way: 'why' | 'used-by', store: string, path: string) =>
  queryOptions({
    queryKey: [way, store, path],
    queryFn: ({ signal }) => read<Lineage>(`/api/${way}`, { store, path }, signal),
  })
