import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query'
import {
  type Artifact,
  type Attempt,
  type Graph,
  type Happening,
  type Lineage,
  type Noted,
  type Page,
  type Request,
  type Run,
  type RunDetail,
  read,
  type Said,
} from './api.ts'

/** The first word of a query's key is its topic: `live.ts` says which events touch which. */
export const graphQuery = queryOptions({
  queryKey: ['graph'],
  queryFn: ({ signal }) => read<Graph>('/api/graph', {}, signal),
  // Whether a host is there is no event.
  refetchOnWindowFocus: 'always',
})

const listed = <T>(topic: string, path: string, said: Said) =>
  queryOptions({
    queryKey: [topic, said],
    queryFn: ({ signal }) => read<Page<T>>(path, said, signal),
  })

const paged = <T>(topic: string, path: string, said: Said) =>
  infiniteQueryOptions({
    queryKey: [topic, 'paged', said],
    queryFn: ({ signal, pageParam }) => read<Page<T>>(path, { ...said, limit: 50, cursor: pageParam }, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ next }) => next ?? undefined,
    placeholderData: keepPreviousData,
  })

export const runsQuery = (said: Said) => paged<Run>('runs', '/api/runs', said)
export const artifactsQuery = (said: Said) => paged<Artifact>('artifacts', '/api/artifacts', said)
/** What came last into a store. */
export const storedQuery = (node: string) =>
  listed<Artifact>('artifacts', '/api/artifacts', { node, sort: 'time', limit: 10 })
export const queuedQuery = listed<Request>('requests', '/api/requests', { state: 'queued' })

export const runQuery = (run: string) =>
  queryOptions({
    queryKey: ['run', run],
    queryFn: ({ signal }) => read<RunDetail>(`/api/runs/${run}`, {}, signal),
  })

export const attemptsQuery = (node: string, run?: string) =>
  listed<Attempt>('attempts', '/api/attempts', { node, run, limit: 10 })

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
  listed<Noted & { readonly path: string }>('artifact-tags', '/api/artifact-tags', { node, path, limit: 1000 })

export const lineageQuery = (way: 'why' | 'used-by', store: string, path: string) =>
  queryOptions({
    queryKey: [way, store, path],
    queryFn: ({ signal }) => read<Lineage>(`/api/${way}`, { store, path }, signal),
  })
