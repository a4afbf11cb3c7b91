import type { Bus } from '#bus/bus'
import { queryOf } from '#contracts/subjects'
import { read } from './asking.ts'
import { knownPipelines, metadataPipeline } from './known.ts'

/** How far the projection is that answers for a pipeline. */
export type ProjectionRow = {
  readonly pipeline: string
  readonly state: 'catching up' | 'following' | 'rebuilding' | 'halted'
  readonly position: string
  readonly head: string | null
  /** Messages of the log that are not applied yet; null where the end of the log is unknown. */
  readonly lag: number | null
  /** Events that did not keep their contract, and messages that were no events. */
  readonly rejected: number
  readonly dropped: number
  readonly degraded: boolean
  readonly halted?: { readonly position: string; readonly type: string; readonly reason: string }
}

/** What can be read, and how far it is. */
export type Projections = {
  /** Those that answer, by the pipelines that they answer for. */
  readonly list: () => Promise<readonly ProjectionRow[]>
  /** Reads the whole log afresh beside the present database, and puts it in its place; says up to where that was. */
  readonly rebuild: (pipeline?: string) => Promise<{ readonly pipeline: string; readonly position: string }>
}

/** How long a log may take to be read from end to end, in milliseconds. */
const rebuiltWithin = 600_000

export const projectionsOf = (bus: Bus): Projections => ({
  list: async () => {
    const found = [...(await knownPipelines(bus)).keys()].map(async (pipeline) => {
      const status = await read<Omit<ProjectionRow, 'pipeline'>>(bus, pipeline, 'status', {}).catch(() => undefined)
      return status ? [{ pipeline, ...status }] : []
    })
    return (await Promise.all(found)).flat()
  },
  rebuild: async (named) => {
    const pipeline = await metadataPipeline(bus, named)
    const rebuilt = await bus.request(queryOf('rebuild', pipeline, bus.principal), {}, { timeout: rebuiltWithin })
    return { pipeline, ...(rebuilt as { readonly position: string }) }
  },
})
