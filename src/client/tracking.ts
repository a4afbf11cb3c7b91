import type { Bus } from '#bus/bus'
import { postFact } from '#bus/post'
import { measured } from '#contracts/tracking'
import { unlessAbsent } from './absent.ts'
import { readAnywhere } from './asking.ts'
import { metadataPipeline, mustBeDefined } from './known.ts'
import { type RunName, runNamed } from './naming.ts'
import { knownOptions } from './options.ts'
import { type Asked, type Page, type Paging, said } from './page.ts'
import type { MetricRow, ParamRow, TagRow } from './rows.ts'

/** What something that is noted is about: a run, or a pipeline, unless there is only one that keeps metadata. */
export type About = { readonly pipeline?: string | undefined; readonly run?: RunName | undefined }

type MetricAbout = About & { readonly step?: number | undefined }

const metricAbout = knownOptions<MetricAbout>('metrics.log', { pipeline: true, run: true, step: true })
const paramAbout = knownOptions<About>('params.log', { pipeline: true, run: true })
const tagAbout = knownOptions<About>('tags.log', { pipeline: true, run: true })

export type NotedFilters = Paging &
  Asked & {
    /** Only what is about this pipeline; that of the run, where one is named. */
    readonly pipeline?: string | undefined
    readonly run?: RunName | undefined
    /** The node that noted it. */
    readonly node?: string | undefined
    readonly key?: string | undefined
  }

/** Numbers that were measured. Logging gives the position at which it can be read. */
export type Metrics = {
  /** `value` may be NaN or infinite: whoever reads it sees that. */
  readonly log: (key: string, value: number, about?: MetricAbout) => Promise<string>
  /** Oldest first. */
  readonly list: (filters?: NotedFilters) => Promise<Page<MetricRow>>
}

/** Settings that were noted. */
export type Params = {
  /** `value` is whatever JSON can hold. */
  readonly log: (key: string, value: unknown, about?: About) => Promise<string>
  /** Oldest first. */
  readonly list: (filters?: NotedFilters) => Promise<Page<ParamRow>>
}

/** Tags of runs. */
export type Tags = {
  /** `about` names the run. */
  readonly log: (key: string, value: string, about: About) => Promise<string>
  /** Oldest first. */
  readonly list: (filters?: NotedFilters) => Promise<Page<TagRow>>
}

export const trackingOf = (bus: Bus): { readonly metrics: Metrics; readonly params: Params; readonly tags: Tags } => {
  const note = async (type: string, data: object, { pipeline, run }: About): Promise<string> => {
    const named = run === undefined ? undefined : await runNamed(bus, run)
    if (pipeline !== undefined) await mustBeDefined(bus, pipeline)
    const scope = pipeline ?? named?.pipeline ?? (await metadataPipeline(bus, undefined))
    return postFact(bus, { scope, type, data: said({ ...data, run: named?.name }) })
  }
  const list =
    <Row>(view: string) =>
    async ({ run, metadata, ...filters }: NotedFilters = {}): Promise<Page<Row>> => {
      const named = run === undefined ? undefined : await runNamed(bus, run)
      const pipeline = filters.pipeline ?? named?.pipeline
      const asked = said({ ...filters, pipeline, run: named?.name })
      const page = await readAnywhere<Page<Row>>(bus, metadata, view, asked)
      return unlessAbsent(bus, page, { run: named?.name, node: filters.node })
    }
  return {
    metrics: {
      log: async (key, value, given = {}) => {
        const { step, ...about } = metricAbout(given)
        return note('tracking.metric-logged', said({ key, value: measured(value), step }), about)
      },
      list: list('metrics'),
    },
    params: {
      log: async (key, value, about = {}) => note('tracking.param-logged', { key, value }, paramAbout(about)),
      list: list('params'),
    },
    tags: {
      log: async (key, value, about) => note('tracking.tagged', { key, value }, tagAbout(about)),
      list: list('tags'),
    },
  }
}
