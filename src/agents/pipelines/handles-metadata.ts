import type { ArtifactState } from '#contracts/artifact'
import type { ArtifactRow, ArtifactTagRow } from '#contracts/artifact-rows'
import type { MetricRow, NodeRow, ParamRow, TagRow, TriggerRow } from '#contracts/rows'

/** A number that was measured. */
export type Metric = {
  readonly run: string | null
  readonly key: string
  readonly value: number
  readonly step: number | null
}

type About = 'run' | 'part' | 'attempt' | 'key' | 'at'

/** What was noted: in which attempt of which node and run, and when, as ISO 8601 has it; what a script notes has no node. */
export type NotedMetric = Pick<MetricRow, About> & Metric
export type NotedParam = Pick<ParamRow, About | 'value'>
export type NotedTag = Pick<TagRow, About | 'value'>

/** An artifact as it lies in its store, and what has last happened to it: when, by which node in which run. */
export type StoredArtifact = Omit<ArtifactRow, 'since' | 'until'>

/** Something that was said about an artifact. */
export type ArtifactTag = Pick<ArtifactTagRow, 'store' | 'path' | 'digest' | 'key' | 'value' | 'at'>

/** Why a run was started. */
export type RunTrigger = Pick<TriggerRow, 'run' | 'pipeline' | 'kind' | 'message' | 'at'>

/** How a node stands in a run, in the console's words; a store is ready, which is `succeeded`. */
export type RunNodeState = Pick<NodeRow, 'part' | 'kind' | 'state' | 'reason' | 'message' | 'attempt' | 'host'>

/** Times, as ISO 8601 has them. */
type Within = { readonly from?: string | undefined; readonly to?: string | undefined }

/** A number is a run of the pipeline that keeps the metadata; any other is `<pipeline>/<number>`. */
type OfRun = { readonly run?: number | string | undefined }

export type NotedFilter = Within &
  OfRun & {
    readonly key?: string | undefined
    /** The node that noted it: `<pipeline>/<node>`, or the node alone. */
    readonly node?: string | undefined
    /** The pipeline that it is about, where that is not the one that keeps the metadata. */
    readonly pipeline?: string | undefined
  }

/** Where artifacts lie. `*` in a path stands for anything. */
type Place = {
  /** `<pipeline>/<store>`, or the store alone, of whatever pipeline. */
  readonly store?: string | undefined
  readonly pipeline?: string | undefined
  readonly path?: string | undefined
  readonly digest?: string | undefined
}

export type ArtifactFilter = Within & OfRun & Place & { readonly state?: ArtifactState | undefined }

export type ArtifactTagFilter = Within &
  Place & { readonly key?: string | undefined; readonly value?: string | undefined }

export type TriggerFilter = Within &
  OfRun & {
    readonly pipeline?: string | undefined
    readonly kind?: 'files' | 'request' | 'metric' | 'rerun' | undefined
  }

/**
 * What an action does with a metadata store, its own pipeline's or another's. What it logs is of its run; through a client of a
 * pipeline that does not keep the run, of that pipeline and of no run. What it reads is all there is, in one list, and holds
 * what this execution has logged, saved and tagged before; it waits while the metadata store is away. A filter that is none is
 * refused.
 */
export type MetadataHandle = {
  readonly logMetric: (key: string, value: number, options?: { readonly step?: number }) => Promise<void>
  readonly logParam: (key: string, value: unknown) => Promise<void>
  readonly tag: (key: string, value: string) => Promise<void>
  /** The run as the metadata store knows it, and how its nodes stand. */
  readonly run: () => Promise<{
    readonly number: number
    readonly state: string
    readonly trigger: string
    readonly message: string
    readonly nodes: readonly RunNodeState[]
  }>
  /** Metrics that were logged, oldest first. */
  readonly metrics: (filter?: NotedFilter) => Promise<readonly NotedMetric[]>
  /** Params that were logged, oldest first. */
  readonly params: (filter?: NotedFilter) => Promise<readonly NotedParam[]>
  /** Tags of runs, oldest first. */
  readonly tags: (filter?: NotedFilter) => Promise<readonly NotedTag[]>
  /** Artifacts of every pipeline as they lie in their stores, by store and path; what is gone is there, as `gone`. */
  readonly artifacts: (filter?: ArtifactFilter) => Promise<readonly StoredArtifact[]>
  /** What was said about artifacts of every pipeline, oldest first. */
  readonly artifactTags: (filter?: ArtifactTagFilter) => Promise<readonly ArtifactTag[]>
  /** Why each run was started, newest first. */
  readonly triggers: (filter?: TriggerFilter) => Promise<readonly RunTrigger[]>
}
