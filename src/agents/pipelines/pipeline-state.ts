import type { PipelineEvent } from '#contracts/pipeline'

/** A run that somebody, or a metric, asked for. */
export type Request = Extract<PipelineEvent, { type: 'pipeline.run-requested' }>['data']

/** What spans a pipeline's runs: numbering, slots, what has been offered, what was asked for. */
export type Pipeline = {
  readonly version: number
  readonly digest: string
  /** Whether runs belong to it: it has a metadata store. */
  readonly keepsRuns: boolean
  /** How many runs may be under way at once. */
  readonly slots: number
  /** The number of the next run. */
  readonly next: number
  /** Runs that hold a slot. */
  readonly open: readonly number[]
  /** Requests that no run has answered yet, oldest first. */
  readonly requests: readonly Request[]
  /** Up to where each resource's facts have been offered. */
  readonly offered: Readonly<Record<string, string>>
  /** Since when its metadata store has a condition, and the last metric that met it. */
  readonly conditionSince: string | undefined
  readonly fired: string | undefined
  /** Why it is paused, if it is. */
  readonly paused: string | undefined
  /** Why what has arrived is not enough, by node. */
  readonly waits: Readonly<Record<string, string>>
}

export const initial: Pipeline = {
  version: 0,
  digest: '',
  keepsRuns: false,
  slots: 1,
  next: 0,
  open: [],
  requests: [],
  offered: {},
  conditionSince: undefined,
  fired: undefined,
  paused: undefined,
  waits: {},
}

/** A pipeline after one more event. */
export const evolve = (pipeline: Pipeline, event: PipelineEvent & { readonly position: string }): Pipeline => {
  switch (event.type) {
    case 'pipeline.defined': {
      const { version, digest, graph } = event.data
      const metadata = graph.nodes.find(({ kind }) => kind === 'metadata-store')
      const conditionSince = metadata?.condition ? (pipeline.conditionSince ?? event.position) : undefined
      const slots = graph.concurrency ?? 1
      return { ...pipeline, version, digest, keepsRuns: metadata !== undefined, slots, conditionSince }
    }
    case 'pipeline.run-requested':
      return {
        ...pipeline,
        requests: [...pipeline.requests, event.data],
        fired: event.data.metric?.position ?? pipeline.fired,
      }
    case 'pipeline.request-dropped':
      return without(pipeline, event.data.request)
    case 'pipeline.run-planned': {
      const { run, trigger, offers } = event.data
      const advanced = offers.map(({ resource, upTo }) => [resource, upTo])
      return {
        ...without(pipeline, trigger.request),
        next: run + 1,
        open: [...pipeline.open, run],
        waits: {},
        // What is repeated was offered once before: nothing is left out because of it.
        ...(trigger.kind !== 'rerun' && { offered: { ...pipeline.offered, ...Object.fromEntries(advanced) } }),
      }
    }
    case 'pipeline.run-released':
      return { ...pipeline, open: pipeline.open.filter((run) => run !== event.data.run) }
    case 'pipeline.paused':
      return { ...pipeline, paused: event.data.reason }
    case 'pipeline.resumed':
      return { ...pipeline, paused: undefined }
    case 'pipeline.waits':
      return { ...pipeline, waits: event.data.reasons }
  }
}

const without = (pipeline: Pipeline, request: string | undefined): Pipeline => ({
  ...pipeline,
  requests: pipeline.requests.filter((one) => one.request !== request),
})
