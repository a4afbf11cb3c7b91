import type { HappeningRow } from '#contracts/artifact-rows'
import type { Idle } from '#contracts/host'
import type {
  AttemptRow,
  GraphEdge,
  GraphNodeRow,
  MetricRow,
  NodeRow,
  ParamRow,
  RunRow,
  TagRow,
  TriggerRow,
} from '#contracts/rows'

/** What the web process answers, as the console calls it. `/openapi.json` has all of it. */
export type {
  AttemptRow as Attempt,
  NodeRow as RunNode,
  RunRow as Run,
  SpanRow as Span,
  TriggerRow as Trigger,
} from '#contracts/rows'

/** A node of the present, or of a run: then with the run whose results stand for it. */
export type GraphNode = GraphNodeRow & { readonly reused?: number | null }
export type Graph = {
  readonly nodes: readonly GraphNode[]
  readonly edges: readonly GraphEdge[]
  /** Of the present: pipelines that no host has run for a week, and that no run waits for. */
  readonly idle?: readonly Idle[]
}

/** A metric, a param or a tag, of a run or of an artifact. */
export type Noted = Pick<ParamRow, 'position' | 'key' | 'value' | 'principal' | 'at'> &
  Partial<Pick<MetricRow, 'part' | 'attempt' | 'step'>>

export type RunDetail = RunRow & {
  readonly nodes: readonly NodeRow[]
  readonly attempts: readonly AttemptRow[]
  readonly artifacts: readonly HappeningRow[]
  readonly metrics: readonly MetricRow[]
  readonly params: readonly ParamRow[]
  readonly tags: readonly TagRow[]
  readonly triggers: readonly TriggerRow[]
  /** Sections of which there is more than is said here. */
  readonly more?: readonly string[]
}
export type Page<T> = { readonly items: readonly T[]; readonly next: string | null }
