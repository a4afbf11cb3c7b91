import type { Action, ActionOptions, Context, Definition, Pipeline, StoreName, Trigger } from './shape.ts'

/** Where a pipeline's runs, nodes, artifacts, metrics, params and tags are kept: a SQLite file at this path. */
export const metadataStore = (options: { readonly path: string; readonly description?: string }) =>
  ({ kind: 'metadata-store', ...options }) as const

/** A folder. With `watch: true` new content becomes artifacts and, when `trigger` says so, a run. */
export const filesystemStore = <const Watch extends boolean = false>(options: {
  readonly path: string
  readonly watch?: Watch
  readonly description?: string
  /** How long size and time must stand still before a file is taken, in milliseconds; 500 unless said otherwise. */
  readonly settle?: number
  /** What to do with files that lie there at the first start; they are fresh unless this is `ignore`. */
  readonly existing?: 'offer' | 'ignore'
  /** Whether a run may start with what has arrived; any file will do unless this is given. */
  readonly trigger?: Trigger
}) => ({ kind: 'filesystem-store', ...options, watch: (options.watch ?? false) as Watch }) as const

/** Stands for a filesystem store of another pipeline: `storeClient<typeof root>('root_pipeline/model_registry', …)`. */
export const storeClient = <P extends Pipeline = Pipeline>(
  of: StoreName<P, 'filesystem-store'>,
  options: { readonly path: string; readonly description?: string },
) => ({ kind: 'store-client', of, ...options }) as const

/** Stands for the metadata store of another pipeline. */
export const metadataClient = <P extends Pipeline = Pipeline>(
  of: StoreName<P, 'metadata-store'>,
  options: { readonly description?: string } = {},
) => ({ kind: 'metadata-client', of, ...options }) as const

/** A pipeline: its stores and clients first, then its actions, whose context knows the stores. */
export const pipeline = <
  const Name extends string,
  const Stores extends Readonly<Record<string, Definition>>,
  Actions extends Readonly<Record<string, Action>>,
>(
  name: Name,
  stores: Stores,
  actions: (
    action: (options: ActionOptions<keyof Stores & string>, execute: (context: Context<Stores>) => unknown) => Action,
  ) => Actions,
): Pipeline<Name, Stores, Actions> => ({
  name,
  stores,
  actions: actions((options, execute) => ({ kind: 'action', ...options, execute: execute as Action['execute'] })),
})
