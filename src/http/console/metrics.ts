import { queryOptions } from '@tanstack/react-query'
import type { Noted, Page } from './api.ts'
import { read } from './ask.ts'

/** How many numbers are drawn at most: a run may have logged millions. */
export const mostPoints = 50_000

export type Metrics = {
  readonly points: readonly Noted[]
  /** There are more than are here. */
  readonly isCut: boolean
}

const logIdOf = (position: string): string => position.slice(0, position.lastIndexOf('.'))

/** The numbers that a run has logged. They only grow, so what is known is kept, and only what has come since is read. */
export const metricsQuery = (run: string) =>
  queryOptions({
    queryKey: ['metrics', run],
    queryFn: async ({ signal, client, queryKey }): Promise<Metrics> => {
      const known = client.getQueryData<Metrics>(queryKey)?.points ?? []
      const from = known.at(-1)?.at
      const fresh: Noted[] = []
      let cursor: string | undefined
      do {
        const page = await read<Page<Noted>>('/api/metrics', { run, from, limit: 1000, cursor }, signal)
        fresh.push(...page.items)
        cursor = page.next ?? undefined
      } while (cursor !== undefined && known.length + fresh.length < mostPoints)
      const [first] = fresh
      const isSame = first && known[0] && logIdOf(first.position) === logIdOf(known[0].position)
      const before = isSame || !first ? known : []
      const there = new Set(before.slice(-2_000).map(({ position }) => position))
      return {
        points: before.concat(fresh.filter(({ position }) => !there.has(position))),
        isCut: cursor !== undefined,
      }
    },
    structuralSharing: false,
  })
