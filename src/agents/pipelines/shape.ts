/**
 * An artifact that an action may open. Reading it is recorded as use, with the digest of the bytes that were read; it rejects
 * where those are no longer the ones below.
 */
export type InputFile = {
  readonly path: string
  readonly digest: string
  readonly size: number
  /** Where it lies on this machine, for what is too large to be held in memory; what is read there is not recorded. */
  readonly file: string
  readonly text: () => Promise<string>
  readonly bytes: () => Promise<Uint8Array>
  readonly json: () => Promise<unknown>
}

/** What an artifact list says of each. */
export type Listed = { readonly path: string; readonly digest: string; readonly size: number }

/** Bytes to be kept: a text, bytes, or a file on this machine. */
export type Content = string | Uint8Array | { readonly file: string }

type Tags = Readonly<Record<string, string>>

/** What an action does with a store of its own pipeline. */
export type StoreHandle = {
  /** Writes atomically. Refuses a path that is taken, unless told to overwrite, and one that leaves the store. */
  readonly save: (
    path: string,
    content: Content,
    options?: { readonly overwrite?: boolean; readonly tags?: Tags },
  ) => Promise<Listed>
  readonly open: (path: string) => Promise<InputFile>
  readonly list: () => Promise<readonly Listed[]>
  readonly tag: (path: string, tags: Tags) => Promise<void>
}

/** What an action does with a store of another pipeline; waits while that store's host is away. */
export type StoreClientHandle = {
  /** Resolves once the bytes lie verified in this client's folder. */
  readonly download: (path: string) => Promise<InputFile>
  /** Resolves once the bytes lie verified in the store, on its machine. */
  readonly upload: (path: string, content: Content, options?: { readonly tags?: Tags }) => Promise<Listed>
  readonly list: () => Promise<readonly Listed[]>
}

/** What an action does with a metadata store, its own pipeline's or another's. */
export type MetadataHandle = {
  readonly logMetric: (key: string, value: number, options?: { readonly step?: number }) => Promise<void>
  readonly logParam: (key: string, value: unknown) => Promise<void>
  readonly tag: (key: string, value: string) => Promise<void>
  /** The run as the metadata store knows it. */
  readonly run: () => Promise<{ readonly number: number; readonly state: string }>
  /** Metrics that were logged, oldest first. */
  readonly metrics: (filter?: { readonly key?: string; readonly run?: number }) => Promise<readonly Metric[]>
}

export type Metric = {
  readonly run: string | null
  readonly key: string
  readonly value: number
  readonly step: number | null
}

type Fresh = { readonly fresh: readonly Listed[] }

/** Decides whether a run may start; a text says what is still missing. Must be quick. */
export type Trigger = (arrived: Fresh) => boolean | string

/** A store or a client, as the config says. */
export type Definition =
  | { readonly kind: 'metadata-store'; readonly path: string; readonly description?: string }
  | {
      readonly kind: 'filesystem-store'
      readonly path: string
      readonly watch: boolean
      readonly description?: string
      readonly settle?: number
      readonly existing?: 'offer' | 'ignore'
      readonly trigger?: Trigger
    }
  | { readonly kind: 'store-client'; readonly of: string; readonly path: string; readonly description?: string }
  | { readonly kind: 'metadata-client'; readonly of: string; readonly description?: string }

type Kinds = Readonly<Record<string, Definition>>

/** What an action is given for each store. */
type HandleOf<D extends Definition> = D extends { kind: 'filesystem-store' }
  ? StoreHandle
  : D extends { kind: 'store-client' }
    ? StoreClientHandle
    : MetadataHandle

type Watched<Stores extends Kinds> = {
  [Name in keyof Stores]: Stores[Name] extends { kind: 'filesystem-store'; watch: true } ? Name : never
}[keyof Stores]

type Say = (message: string, more?: Readonly<Record<string, unknown>>) => void

/** What an action is given. */
export type Context<Stores extends Kinds = Kinds> = {
  readonly run: {
    /** The pipeline that the run belongs to, and the run's number there. */
    readonly pipeline: string
    readonly number: number
    readonly attempt: number
    /** The fresh artifacts of this pipeline's watched stores that the run was offered. */
    readonly inputs: { readonly [Name in Watched<Stores>]: readonly InputFile[] }
  }
  readonly stores: { readonly [Name in keyof Stores]: HandleOf<Stores[Name]> }
  readonly log: { readonly debug: Say; readonly info: Say; readonly warn: Say; readonly error: Say }
  /** Aborts when the execution must stop. */
  readonly signal: AbortSignal
}

export type ActionOptions<Store extends string = string> = {
  /** The nodes before it: of this pipeline by name, of another as `<pipeline>/<node>`. */
  readonly after?: readonly (Store | (string & {}))[]
  /** Nodes of other pipelines behind it, as `<pipeline>/<node>`. */
  readonly next?: readonly string[]
  readonly description?: string
}

/** A job. Returning `false` says that it failed; throwing, that it broke; a text is kept as its message. */
export type Action = ActionOptions & { readonly kind: 'action'; readonly execute: (context: Context) => unknown }

export type Pipeline<
  Name extends string = string,
  Stores extends Kinds = Kinds,
  Actions extends Readonly<Record<string, Action>> = Readonly<Record<string, Action>>,
> = { readonly name: Name; readonly stores: Stores; readonly actions: Actions }

/** The qualified names of a pipeline's stores of one kind. */
export type StoreName<P extends Pipeline, Kind extends Definition['kind']> = {
  [Name in keyof P['stores'] & string]: P['stores'][Name] extends { kind: Kind } ? `${P['name']}/${Name}` : never
}[keyof P['stores'] & string]
