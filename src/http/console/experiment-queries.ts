import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query'
import type { ResultList } from '#contracts/result-files'
import type { Decided, Experiment, ExperimentDetail, Waiting } from './api-experiments.ts'
import type { EndNode, Notification, Reservation, Site } from './api-sites.ts'
import { read, type Said } from './ask.ts'
import { listed, paged } from './queries.ts'

/** The first word of a query's key is its topic, as with all others. */
export const experimentsQuery = (said: Said) => paged<Experiment>('experiments', '/api/experiments', said)

export const experimentQuery = (experiment: string) =>
  queryOptions({
    queryKey: ['experiment', experiment],
    queryFn: ({ signal }) => read<ExperimentDetail>(`/api/experiments/${experiment}`, {}, signal),
  })

/** Who did what, newest first. */
export const decidedQuery = (experiment: string) =>
  paged<Decided>('experiment', `/api/experiments/${experiment}/history`, { order: 'desc' }, experiment)

const results = (experiment: string, said: Said, signal: AbortSignal) =>
  read<ResultList>(`/api/experiments/${experiment}/results`, said, signal)

/** Of which end nodes there are results at the portal. */
export const resultsQuery = (experiment: string) =>
  queryOptions({
    queryKey: ['experiment', experiment, 'results'],
    queryFn: ({ signal }) => results(experiment, {}, signal),
  })

/** The files of one of them, some at a time. */
export const resultFilesQuery = (experiment: string, site: string, node: string) =>
  infiniteQueryOptions({
    queryKey: ['experiment', experiment, 'results', site, node],
    queryFn: ({ signal, pageParam }) => results(experiment, { site, node, after: pageParam }, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ sets }) => sets[0]?.next ?? undefined,
  })

export const inboxQuery = (said: Said = {}) => paged<Waiting>('inbox', '/api/inbox', said)

/** Whether a site server is there, and how much room there is, is no event. */
const lookedAtAgain = { refetchOnWindowFocus: 'always', refetchInterval: 60_000 } as const

export const sitesQuery = queryOptions({
  queryKey: ['sites'],
  queryFn: ({ signal }) => read<{ readonly items: readonly Site[] }>('/api/sites', {}, signal),
  ...lookedAtAgain,
})

export const endNodesQuery = {
  ...listed<EndNode>('end-nodes', '/api/end-nodes', { limit: 1000 }),
  ...lookedAtAgain,
}

export const reservationsQuery = (from: string, until: string) =>
  listed<Reservation>('reservations', '/api/reservations', { from, until, limit: 1000 })

/** What is reserved on the day from then on: which of it holds now is told by the clock. */
export const keptNowQuery = (from: number) => ({
  ...reservationsQuery(new Date(from).toISOString(), new Date(from + 86_400_000).toISOString()),
  ...lookedAtAgain,
})

export const notificationsQuery = (person: string) =>
  paged<Notification>('notifications', '/api/notifications', { person })
