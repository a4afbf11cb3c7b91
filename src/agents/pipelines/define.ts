import type { Folder } from './definition.ts'
import type { Resource } from './resource.ts'
import type {
  Action,
  ActionOptions,
  Context,
  Definition,
  Does,
  Exec,
  MetricTrigger,
  Pipeline,
  PipelineOptions,
  StoreKind,
  StoreName,
  Trigger,
} from './shape.ts'

/** Where a pipeline's runs, nodes, artifacts, metrics, params and tags are kept: a SQLite file at this path. */
export const metadataStore = (options: {
  readonly path: string
  readonly description?: string
  /** Looked at with each number that is logged; each time it says yes, there is a run. */
  readonly trigger?: MetricTrigger
}) => ({ kind: 'metadata-store', ...options }) as const

type FolderOptions<Watch extends boolean> = {
  readonly path: string
  /** Whether new content becomes artifacts and, when `trigger` says so, a run. */
  readonly watch?: Watch
  readonly description?: string
  /** How long size and time must stand still before a file is taken, in milliseconds; 500 unless said otherwise. */
  readonly settle?: number
  /**
   * Whether files count whose name, or that of a folder on the way to them, begins with a dot. Programs call so what is not
   * meant for others, as rsync does a file that is on its way.
   */
  readonly hidden?: boolean
  /** What to do with files that lie there at the first start; they are fresh unless this is `ignore`. */
  readonly existing?: 'offer' | 'ignore'
  /** Whether a run may start with what has arrived; any file will do unless this is given. */
  readonly trigger?: Trigger
}

const folder =
  <const Kind extends Folder['kind']>(kind: Kind) =>
  <const Watch extends boolean = false>(options: FolderOptions<Watch>) =>
    ({ kind, ...options, watch: (options.watch ?? false) as Watch }) as const

/** A folder. With `watch: true` new content becomes artifacts and, when `trigger` says so, a run. */
export const filesystemStore = folder('filesystem-store')

/** A folder of models, each with a card if it has one. A card that arrives as a file is no data: it starts no run. */
export const modelRegistry = folder('model-registry')

/** A folder of datasets, each with a Croissant card if it has one. A card that arrives as a file starts no run. */
export const datasetRegistry = folder('dataset-registry')

/**
 * What a user's own code lists and reads (see `Resource`), as a store: a bucket, an endpoint, a table. The folder at `path`
 * mirrors it, so that its artifacts are opened, listed, tagged and downloaded like any other's. What is saved is written to
 * the resource first. Of a resource that is not watched, only what was saved here is known.
 */
export const resourceStore = <const Watch extends boolean = false>(options: {
  /** Called in a process of its own, as often as that is started. */
  readonly resource: () => Resource | Promise<Resource>
  /** The mirror folder; nobody else should write there. */
  readonly path: string
  /** Whether it is looked at again and again: new content becomes artifacts and, when `trigger` says so, a run. */
  readonly watch?: Watch
  /** How long it rests between two looks, in milliseconds; 5,000 unless said otherwise. */
  readonly every?: number
  readonly description?: string
  /** What to do with what is there at the first look; it is fresh unless this is `ignore`. */
  readonly existing?: 'offer' | 'ignore'
  /** Whether a run may start with what has arrived; anything will do unless this is given. */
  readonly trigger?: Trigger
}) => ({ kind: 'resource', ...options, watch: (options.watch ?? false) as Watch }) as const

/** Stands for a store of another pipeline: `storeClient<typeof root>('root_pipeline/model_registry', …)`. */
export const storeClient = <P extends Pipeline = Pipeline>(
  of: StoreName<P, StoreKind>,
  options: { readonly path: string; readonly description?: string },
) => ({ kind: 'store-client', of, ...options }) as const

/** Stands for the metadata store of another pipeline. */
export const metadataClient = <P extends Pipeline = Pipeline>(
  of: StoreName<P, 'metadata-store'>,
  options: { readonly description?: string } = {},
) => ({ kind: 'metadata-client', of, ...options }) as const

/** Makes an action of a pipeline with these stores: its options, then what it does. */
type Act<Stores extends Readonly<Record<string, Definition>>> = <
  const Options extends ActionOptions<keyof Stores & string> & { readonly exec?: Exec },
>(
  options: Options,
  ...does: Does<Context<Stores>, Options>
) => Action

/** A pipeline: its stores and clients first, then its actions, whose context knows the stores. */
export const pipeline = <
  const Name extends string,
  const Stores extends Readonly<Record<string, Definition>>,
  Actions extends Readonly<Record<string, Action>>,
>(
  name: Name,
  stores: Stores,
  actions: (action: Act<Stores>) => Actions,
  options: PipelineOptions = {},
): Pipeline<Name, Stores, Actions> => {
  if (typeof actions !== 'function') throw noActions(name)
  return {
    name,
    stores,
    actions: actions((about, does?: unknown) => ({
      kind: 'action',
      ...about,
      steps: (typeof does === 'function' ? { execute: does } : (does ?? {})) as Action['steps'],
    })),
    ...options,
  }
}

/** Told where the pipeline is written, and not here. */
const noActions = (name: string): Error => {
  const told = new TypeError(
    `pipeline('${name}', …): the third argument is a function that gives the actions: (action) => ({ train: action({ after: ['inbox'] }, async (context) => { … }) })`,
  )
  Error.captureStackTrace(told, pipeline)
  return told
}
