import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { splitPart } from '#contracts/names'
import type { Content, MetadataHandle, ModelRegistryHandle, StoreClientHandle, StoreHandle } from './handles.ts'
import { noStore } from './named-stores.ts'
import type { Report } from './reports.ts'
import type { Context, Pipeline } from './shape.ts'

type Handle = StoreHandle | ModelRegistryHandle | StoreClientHandle | MetadataHandle
type Store = StoreHandle | ModelRegistryHandle
type Of<Kind extends Report['millrace']> = Extract<Report, { readonly millrace: Kind }>

type Given = {
  readonly pipeline: Pipeline
  readonly context: Pick<Context, 'run' | 'stores' | 'log' | 'progress'>
  /** Where the program runs: what it names by a relative path lies there. */
  readonly folder: string
  /** Records that an artifact was used. */
  readonly used: (node: string, path: string, digest: string) => Promise<unknown>
}

/** What a program logs to: what stands for the metadata of the pipeline that keeps the run, if anything does. */
const metadataIn = ({ stores }: Pipeline, keeper: string): string | undefined => {
  const found = Object.entries(stores).flatMap(([node, one]) => {
    if (one.kind === 'metadata-store') return [{ node, of: keeper }]
    return one.kind === 'metadata-client' ? [{ node, of: splitPart(one.of).pipeline }] : []
  })
  return (found.find(({ of }) => of === keeper) ?? found[0])?.node
}

/** Does what a program reports: artifacts in the order of its lines, numbers and notes as they come. */
export const openReports = ({ pipeline, context, folder, used }: Given) => {
  const stores = context.stores as Readonly<Record<string, Handle>>
  const kept = metadataIn(pipeline, context.run.pipeline)
  const metadata = kept === undefined ? undefined : (stores[kept] as MetadataHandle)
  const underWay = new Set<Promise<unknown>>()
  let said: unknown
  let broken: { readonly cause: unknown } | undefined
  let before: Promise<unknown> = Promise.resolve()

  /** What breaks is the program's failure, once it has ended. */
  const note = (doing: Promise<unknown>): void => {
    const done = doing.catch((cause: unknown) => {
      broken ??= { cause }
    })
    underWay.add(done)
    void done.then(() => underWay.delete(done))
  }
  const inTurn = (act: () => Promise<unknown>): void => {
    before = before.catch(() => undefined).then(act)
    note(before)
  }
  const keeper = (): MetadataHandle => {
    if (!metadata) throw new TypeError('The pipeline has no metadata store or client to log to')
    return metadata
  }
  const handleOf = (store: string): Handle => {
    const handle = stores[store]
    if (!handle || !Object.hasOwn(stores, store)) throw noStore(store, Object.keys(stores))
    return handle
  }
  const ownStore = (store: string): Store => {
    const handle = handleOf(store)
    if (!('save' in handle))
      throw new TypeError(`${store} is no store of this pipeline: only those are opened and tagged`)
    return handle
  }

  const named = async (file: string): Promise<string> => {
    const found = await stat(resolve(folder, file)).catch((cause: NodeJS.ErrnoException) => {
      if (cause.code !== 'ENOENT' && cause.code !== 'ENOTDIR') throw cause
    })
    if (found && !found.isDirectory()) return resolve(folder, file)
    const how = found ? 'which is a folder: name a file' : 'but there is no such file'
    throw new TypeError(`The program reported the file ${file}, ${how}; its relative paths begin at ${folder}`)
  }

  const put = async ({ store, path, file, text, tags, overwrite, card }: Of<'artifact'>): Promise<unknown> => {
    const handle = handleOf(store)
    const content: Content = file === undefined ? (text ?? '') : { file: await named(file) }
    const options = { ...(tags && { tags }), ...(overwrite !== undefined && { overwrite }) }
    const carded = { ...options, ...(card && { card }) } as object
    if ('card' in handle && card && file === undefined && text === undefined)
      return handle.card(path, card as never, options)
    if ('save' in handle) return handle.save(path, content, carded)
    if ('upload' in handle) return handle.upload(path, content, carded)
    throw new TypeError(`${store} keeps no files`)
  }

  const act = (one: Report): unknown => {
    switch (one.millrace) {
      case 'metric':
        return note(keeper().logMetric(one.key, Number(one.value), one.step === undefined ? {} : { step: one.step }))
      case 'param':
        return note(keeper().logParam(one.key, one.value))
      case 'tag':
        return note(keeper().tag(one.key, one.value))
      case 'progress':
        return context.progress(one.done, one.of, one.message)
      case 'artifact':
        return inTurn(() => put(one))
      case 'artifact-tag':
        return inTurn(async () => ownStore(one.store).tag(one.path, one.tags))
      case 'used':
        return inTurn(async () => used(one.store, one.path, (await ownStore(one.store).open(one.path)).digest))
      case 'message':
        said = one.text
        return undefined
      case 'failed':
        said = { failed: one.reason }
        return undefined
    }
  }

  return {
    take: (one: Report): void => {
      try {
        act(one)
      } catch (cause) {
        broken ??= { cause }
      }
    },
    /** What the program said last of itself, once all that it reported is recorded; rejects where something can't be. */
    end: async (): Promise<unknown> => {
      await Promise.all(underWay)
      if (broken) throw broken.cause
      return said
    },
  }
}
