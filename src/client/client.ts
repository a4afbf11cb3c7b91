import type { Bus, Presence } from '#bus/bus'
import type { Answer } from '#bus/handle'
import { everyItem } from '#bus/pages'
import { postFact } from '#bus/post'
import type { Recorded } from '#contracts/envelope'
import { logIdOf, sequenceOf } from '#contracts/names'
import { type Artifacts, artifactsOf } from './artifacts.ts'
import { order, read } from './asking.ts'
import { type DeadLetters, deadOf } from './dead.ts'
import { type Experiments, experimentsOf } from './experiments.ts'
import { knownOptions } from './options.ts'
import { type Pipelines, pipelinesOf } from './pipelines.ts'
import { type Projections, projectionsOf } from './projections.ts'
import { type Runs, runsOf } from './runs.ts'
import { type Status, statusOf } from './status.ts'
import { type Metrics, type Params, type Tags, trackingOf } from './tracking.ts'

type Filters = { readonly after?: string | undefined } & Readonly<Record<string, unknown>>

type FollowOptions = { readonly once?: boolean | undefined }

/** What a script can do: publish facts, send commands, read what is recorded, move artifacts. */
export type Client = {
  /** Publishes a fact about a pipeline; gives a position at which it can be read (`after`). */
  readonly publish: (pipeline: string, type: string, data: object) => Promise<string>
  /** Sends a command to an aggregate of a pipeline: accepted with a position, or refused with a reason. */
  readonly ask: (pipeline: string, key: string, type: string, data: object) => Promise<Answer>
  /**
   * Reads a view, for example `runs`, from the process that keeps the pipeline's metadata. A list is a page, with `items` and
   * `next`, the cursor of the next one. Metrics come whole, as an array, unless `limit` or `cursor` asks for a page.
   */
  readonly query: <T = unknown>(pipeline: string, view: string, filters?: Filters) => Promise<T>
  /**
   * Events after a position, or all of the log where none is given, as they are recorded, until `signal` aborts; `once`: until
   * the end of the log as it was at the call.
   */
  readonly follow: (
    handle: (event: Recorded) => void,
    signal: AbortSignal,
    after?: string,
    options?: FollowOptions,
  ) => Promise<void>
  readonly runs: Runs
  readonly pipelines: Pipelines
  readonly experiments: Experiments
  readonly artifacts: Artifacts
  readonly metrics: Metrics
  readonly params: Params
  readonly tags: Tags
  readonly hosts: {
    /** Hosts that are there now, and what they run. */
    readonly list: () => Promise<readonly Presence[]>
  }
  /** The log, who is there, and how every node stands; `metadata` names whose metadata store tells that. */
  readonly status: (options?: { readonly metadata?: string | undefined }) => Promise<Status>
  readonly dead: DeadLetters
  readonly projections: Projections
  /** Sends what waits and ends the connection. */
  readonly close: () => Promise<void>
}

const followOptions = knownOptions<FollowOptions>('follow', { once: true })

/** What can be done over a bus. */
export const clientOf = (bus: Bus): Client => ({
  publish: (pipeline, type, data) => postFact(bus, { scope: pipeline, type, data }),
  ask: (pipeline, key, type, data) => order(bus, pipeline, key, type, data),
  query: async <T>(pipeline: string, view: string, filters: Filters = {}) =>
    (view === 'metrics' && !('limit' in filters) && !('cursor' in filters)
      ? await everyItem((page) => read(bus, pipeline, view, { ...filters, ...page }))
      : await read(bus, pipeline, view, filters)) as T,
  follow: async (handle, signal, after, options = {}) => {
    const { once = false } = followOptions(options)
    const sequence = sequenceOf(after)
    const end = once ? await bus.head() : Number.POSITIVE_INFINITY
    if (sequence >= end) return
    const ended = new AbortController()
    await bus.follow(
      { logId: after === undefined ? bus.logId : logIdOf(after), sequence },
      ({ events, upTo }) => {
        for (const event of events) handle(event)
        if (upTo >= end) ended.abort()
      },
      AbortSignal.any([signal, ended.signal]),
    )
  },
  runs: runsOf(bus),
  pipelines: pipelinesOf(bus),
  experiments: experimentsOf(bus),
  artifacts: artifactsOf(bus),
  ...trackingOf(bus),
  hosts: { list: () => bus.present() },
  status: (options) => statusOf(bus, options),
  dead: deadOf(bus),
  projections: projectionsOf(bus),
  close: bus.close,
})
