import type { Bus } from '#bus/bus'
import type { Answer } from '#bus/handle'
import { splitPart } from '#contracts/names'
import { queryOf } from '#contracts/subjects'
import { order, readAnywhere } from './asking.ts'
import { keepsMetadata, knownPipelines, metadataPipeline } from './known.ts'
import { type Asked, type Page, type Paging, type Seen, said } from './page.ts'
import type { GraphEdge, GraphNodeRow, Idle, PauseRow, RequestRow } from './rows.ts'

/** A pipeline as it was last defined. */
export type PipelineRow = {
  readonly pipeline: string
  /** Whether runs belong to it: it has a metadata store. */
  readonly runs: boolean
  /** How many of its runs may be under way at once. */
  readonly concurrency: number
  /** The names of its nodes. */
  readonly nodes: readonly string[]
  /** Whether it is held back; unknown where no metadata store answers. */
  readonly state: 'going' | 'paused' | 'unknown'
  /** Why it is held back. */
  readonly reason: string | null
  /** The hosts that are there now and run nodes of it. */
  readonly hosts: readonly string[]
}

export type ShownGraph = {
  readonly nodes: readonly GraphNodeRow[]
  readonly edges: readonly GraphEdge[]
  /** Pipelines that no host has run for a week, and that no run waits for. */
  readonly idle: readonly Idle[]
  readonly position: string
}

export type Pipelines = {
  /** Every pipeline that somebody has defined, by name. */
  readonly list: () => Promise<readonly PipelineRow[]>
  /** The graph of all of them, each node as it stands in the last run that has it. */
  readonly graph: (seen?: Seen & Asked) => Promise<ShownGraph>
  /** Holds back runs and nodes; what is being executed goes on to its end. */
  readonly pause: (pipeline: string, options?: { readonly reason?: string | undefined }) => Promise<Answer>
  /** Lets go of what was held back. */
  readonly resume: (pipeline: string) => Promise<Answer>
  /** Runs that somebody asked for, newest first: of one pipeline, or of all. */
  readonly requests: (
    pipeline?: string,
    filters?: Paging & { readonly state?: RequestRow['state'] | undefined },
  ) => Promise<Page<RequestRow>>
  /** The pipeline that is meant: the one that is named, or the only one that keeps metadata. Refuses one that nobody has defined. */
  readonly named: (pipeline?: string) => Promise<string>
  /** Where the console is that shows a pipeline; undefined where none answers. */
  readonly console: (pipeline: string) => Promise<string | undefined>
  /** Takes back a request that no run has answered yet. */
  readonly withdraw: (
    pipeline: string,
    request: string,
    options?: { readonly reason?: string | undefined },
  ) => Promise<Answer>
}

export const pipelinesOf = (bus: Bus): Pipelines => ({
  list: async () => {
    const graphs = [...(await knownPipelines(bus)).values()].sort((a, b) => a.pipeline.localeCompare(b.pipeline))
    const pauses = graphs.some(keepsMetadata)
      ? await readAnywhere<Page<PauseRow>>(bus, undefined, 'pauses', { limit: 1_000 }).catch(() => undefined)
      : undefined
    const present = graphs.length > 0 ? await bus.present() : []
    const held = new Map(pauses?.items.map((pause) => [pause.pipeline, pause]))
    return graphs.map((graph): PipelineRow => {
      const { pipeline, nodes, concurrency = 1 } = graph
      const pause = held.get(pipeline)
      const state = pauses === undefined ? 'unknown' : pause?.state === 'paused' ? 'paused' : 'going'
      const reason = state === 'paused' ? (pause?.reason ?? null) : null
      const hosts = present.filter((one) => one.nodes.some((part) => splitPart(part).pipeline === pipeline))
      return {
        ...{ pipeline, runs: keepsMetadata(graph), concurrency, nodes: nodes.map(({ name }) => name) },
        ...{ state, reason, hosts: hosts.map(({ host }) => host) },
      }
    })
  },
  graph: ({ metadata, ...seen } = {}) => readAnywhere(bus, metadata, 'graph', said(seen)),
  pause: (pipeline, options = {}) => order(bus, pipeline, 'self', 'pipeline.pause', said(options)),
  resume: (pipeline) => order(bus, pipeline, 'self', 'pipeline.resume', {}),
  requests: (pipeline, filters = {}) => readAnywhere(bus, undefined, 'requests', said({ ...filters, pipeline })),
  named: (pipeline) => metadataPipeline(bus, pipeline),
  console: (pipeline) =>
    bus.request(queryOf('web', pipeline, bus.principal), {}).then(
      (answer) => (answer as { readonly url: string }).url,
      () => undefined,
    ),
  withdraw: (pipeline, request, options = {}) =>
    order(bus, pipeline, 'self', 'pipeline.withdraw', said({ request, ...options })),
})
