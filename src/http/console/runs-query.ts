import { infiniteQueryOptions, keepPreviousData } from '@tanstack/react-query'
import type { Page, Run } from './api.ts'
import { read } from './ask.ts'
import type { RunFilters } from './runs-filters.tsx'

/** How many pages without any run that is wanted are passed over at once. */
const most = 20

/**
 * Runs as they are filtered. What began them is no filter of the API: runs of other triggers are passed over here, page by
 * page, until some are found.
 */
export const runsQuery = ({ trigger, from, to, ...said }: RunFilters) => {
  const asked = { ...said, from: from && new Date(from).toISOString(), to: to && new Date(to).toISOString() }
  return infiniteQueryOptions({
    queryKey: ['runs', 'paged', asked, trigger ?? 'any'],
    queryFn: async ({ signal, pageParam }): Promise<Page<Run>> => {
      let cursor = pageParam
      for (let pages = 1; ; pages++) {
        const page = await read<Page<Run>>('/api/runs', { ...asked, limit: 50, cursor }, signal)
        const items = page.items.filter((run) => trigger === undefined || run.trigger === trigger)
        if (items.length > 0 || page.next === null || pages === most) return { items, next: page.next }
        cursor = page.next
      }
    },
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ next }) => next ?? undefined,
    placeholderData: keepPreviousData,
  })
}
