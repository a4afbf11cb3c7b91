import type { z } from 'zod'
import type { storeKind } from '#contracts/pipeline'
import type {
  DatasetRegistryHandle,
  Listed,
  MetadataHandle,
  Metric,
  ModelRegistryHandle,
  StoreClientHandle,
  StoreHandle,
} from './handles.ts'
import type { Resource } from './resource.ts'

/** Whether a run may start: yes or no, what is still missing, or yes with a message for the run. */
type Verdict = boolean | string | { readonly start: string }

/** Decides whether a run may start with what has arrived and has not been offered yet. Must be quick. */
export type Trigger = (arrived: { readonly fresh: readonly Listed[] }) => Verdict

/** The number that was logged last, and all that were logged up to it. */
export type Measured = {
  readonly metric: Metric
  /** How many of this key there are; 0 where there is none. */
  readonly count: (key: string) => number
  /** The highest of this key; -Infinity where there is none. */
  readonly max: (key: string) => number
  /** The lowest of this key; Infinity where there is none. */
  readonly min: (key: string) => number
  /** The mean of this key; NaN where there is none. */
  readonly mean: (key: string) => number
  /** The newest of this key; NaN where there is none. */
  readonly last: (key: string) => number
}

/** Decides with each number that is logged whether it asks for a run of its own. Must be quick. */
export type MetricTrigger = (measured: Measured) => Verdict

/** The kinds of node that keep files. */
export type StoreKind = z.infer<typeof storeKind>

/** What every store that a file can arrive at may be told. */
export type Watching<Watch extends boolean = boolean> = {
  readonly path: string
  readonly watch: Watch
  readonly description?: string
  readonly existing?: 'offer' | 'ignore'
  readonly trigger?: Trigger
}

/** A folder, or a registry in one. */
export type Folder = Watching & {
  readonly kind: Exclude<StoreKind, 'resource'>
  readonly settle?: number
  readonly hidden?: boolean
}

/** Something that a user's own code reads, and a folder that mirrors it. */
export type Mirrored = Watching & {
  readonly kind: 'resource'
  readonly resource: () => Resource | Promise<Resource>
  readonly every?: number
}

/** A store or a client, as the config says. */
export type Definition =
  | {
      readonly kind: 'metadata-store'
      readonly path: string
      readonly description?: string
      readonly trigger?: MetricTrigger
    }
  | Folder
  | Mirrored
  | { readonly kind: 'store-client'; readonly of: string; readonly path: string; readonly description?: string }
  | { readonly kind: 'metadata-client'; readonly of: string; readonly description?: string }

export type Kinds = Readonly<Record<string, Definition>>

type Handles = {
  readonly 'filesystem-store': StoreHandle
  readonly 'model-registry': ModelRegistryHandle
  readonly 'dataset-registry': DatasetRegistryHandle
  readonly resource: StoreHandle
  readonly 'store-client': StoreClientHandle
  readonly 'metadata-store': MetadataHandle
  readonly 'metadata-client': MetadataHandle
}

/** What an action is given for each store. */
export type HandleOf<D extends Definition> = Handles[D['kind']]

/** The names of the stores that start runs. */
export type Watched<Stores extends Kinds> = {
  [Name in keyof Stores]: Stores[Name] extends { kind: StoreKind; watch: true } ? Name : never
}[keyof Stores]
