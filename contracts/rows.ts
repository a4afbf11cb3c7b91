import type { z } from 'zod'
import type { Firing, Retry } from './pipeline.ts'
import type { Repetition } from './repetition.ts'
import type { measurement } from './tracking.ts'

/**
 * What a metadata store answers, row by row. A later version of it may say more of each; none says less. Moments are texts
 * as ISO 8601 has them, positions are opaque, and `since` is where in the log a row began to hold.
 */
export type Held = { readonly since: string; readonly until: string | null }

/** How a run stands; the last four are how one ends. */
export type RunState = 'running' | 'paused' | 'cancelling' | 'succeeded' | 'failed' | 'cancelled' | 'timed-out'

export type RunRow = Held & {
  /** `<pipeline>/<number>`. */
  readonly run: string
  readonly pipeline: string
  readonly number: number
  readonly state: RunState
  /** Why it is paused, why it failed, or why it ended before its time. */
  readonly reason: string | null
  /** Who holds it back, while it is paused: somebody who asked it of the run, or its pipeline that is paused. */
  readonly heldBy:
    | readonly { readonly by: 'request' | 'pipeline'; readonly reason: string; readonly principal: string }[]
    | null
  /** Who ended it before its time. */
  readonly principal: string | null
  /** Why it began: `files`, `request`, `metric` or `rerun`. */
  readonly trigger: string
  readonly message: string
  readonly failed: readonly string[] | null
  /** What may be executed still though the run has ended. */
  readonly unstopped: readonly string[] | null
  /** The run that it repeats. */
  readonly repeats: number | null
  /** Of its inputs, outputs, metrics, params and tags, once it has ended. */
  readonly hash: string | null
  readonly startedAt: string
  readonly endedAt: string | null
}

export type NodeState =
  | 'waiting'
  | 'paused'
  | 'queued'
  | 'preparing'
  | 'running'
  | 'cleaning-up'
  | 'succeeded'
  | 'failed'
  | 'errored'
  | 'skipped'
  | 'cancelled'
  /** Of a run that goes on: it is asked for something, and no host that runs it is there. */
  | 'host away'

/** A node as one run sees it. */
export type NodeRow = Held & {
  readonly run: string
  /** `<pipeline>/<node>`. */
  readonly part: string
  readonly kind: string
  readonly after: readonly string[]
  readonly state: NodeState
  readonly reason: string | null
  readonly attempt: number
  readonly host: string | null
  readonly message: string | null
  /** The run whose results stand for it: it is not executed in this one. */
  readonly reused: number | null
  readonly dueAt: string | null
  readonly startedAt: string | null
  readonly endedAt: string | null
}

/** One execution of a node. */
export type AttemptRow = Held & {
  readonly run: string
  readonly pipeline: string
  readonly part: string
  readonly attempt: number
  readonly delivery: number
  readonly instance: string
  readonly host: string
  readonly outcome: 'running' | 'succeeded' | 'failed' | 'errored' | 'cancelled' | 'superseded'
  readonly reason: string | null
  readonly message: string | null
  readonly startedAt: string
  readonly endedAt: string | null
}

/** How a node of a run stood, from when until when; null while it is so. */
export type SpanRow = Pick<NodeRow, 'part' | 'state' | 'reason' | 'attempt' | 'host'> & {
  readonly from: string
  readonly to: string | null
}

/** Why a run was started. */
export type TriggerRow = {
  readonly position: string
  readonly run: string
  readonly pipeline: string
  /** `files`, `request`, `metric` or `rerun`. */
  readonly kind: string
  readonly message: string
  readonly request: string | null
  readonly metric: Firing | null
  readonly rerun: Repetition | null
  readonly at: string
}

/** A run that somebody asked for. */
export type RequestRow = Held & {
  readonly request: string
  readonly pipeline: string
  readonly message: string
  readonly metric: Firing | null
  readonly rerun: Repetition | null
  readonly state: 'queued' | 'answered' | 'dropped'
  /** Why no run came of it. */
  readonly reason: string | null
  readonly run: string | null
  readonly principal: string
  readonly at: string
}

type Noted = {
  readonly position: string
  readonly pipeline: string
  readonly run: string | null
  readonly part: string | null
  readonly attempt: number | null
  readonly key: string
  readonly principal: string
  readonly at: string
}

/** A number that was measured; one that JSON has no number for is its name. */
export type MetricRow = Noted & { readonly value: z.output<typeof measurement>; readonly step: number | null }

export type ParamRow = Noted & { readonly value: unknown }

export type TagRow = Noted & { readonly value: string }

/** A node of the graph of all known pipelines, as it stands in the last run that has it. */
export type GraphNodeRow = {
  readonly part: string
  readonly pipeline: string
  readonly name: string
  readonly kind: string
  readonly state: string
  readonly reason: string | null
  readonly run: string | null
  readonly attempt: number | null
  readonly host: string | null
  readonly startedAt: string | null
  readonly endedAt: string | null
  /** When it is tried again. */
  readonly dueAt: string | null
  readonly description?: string | undefined
  readonly watch?: boolean | undefined
  readonly path?: string | undefined
  /** A client: the store that it stands for. */
  readonly of?: string | undefined
  readonly condition?: boolean | undefined
  readonly join?: 'all' | 'any' | undefined
  readonly retry?: Retry | undefined
  /** How long one execution may take, in milliseconds. */
  readonly timeout?: number | undefined
  readonly concurrency?: number | undefined
  /** A store: artifacts that no run has been offered yet. */
  readonly fresh?: number | undefined
}

/** `stands-for`: a client, and the store it stands for. */
export type GraphEdge = { readonly source: string; readonly target: string; readonly kind: 'after' | 'stands-for' }

/** Whether a pipeline is held back. */
export type PauseRow = Held & {
  readonly pipeline: string
  readonly state: 'paused' | 'resumed'
  readonly reason: string | null
  readonly principal: string
  readonly at: string
}

/** A process that took its name, with the nodes it runs. */
export type HostRow = Held & {
  readonly host: string
  readonly instance: string
  readonly machine: string
  readonly pid: number
  readonly version: string
  readonly nodes: readonly string[]
  readonly state: 'started' | 'stopped'
  readonly startedAt: string
  readonly endedAt: string | null
}
