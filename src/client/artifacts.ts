import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import type { Bus } from '#bus/bus'
import { Fault, faults } from '#bus/fault'
import { postFact } from '#bus/post'
import type { LineageThing, Lineage as Walked } from '#contracts/artifact-rows'
import { serviceOf } from '#contracts/subjects'
import { unlessAbsent } from './absent.ts'
import { readAnywhere } from './asking.ts'
import { knownOptions } from './options.ts'
import type { Asked, Page, Paging, Seen } from './page.ts'
import { said } from './page.ts'
import type { ArtifactRow, ArtifactTagRow, HappeningRow } from './rows.ts'
import { orUnknownStore, partOf, type Store, storeNamed } from './stores.ts'
import { type Content, counted, isFolder, type Progress, readyToSend, untilAnswered, writeFrom } from './transfer.ts'

type Tags = Readonly<Record<string, string>>

/** Which artifacts are meant. A store is `<pipeline>/<store>`, or the store alone; `*` in a path stands for anything. */
type Where = Paging & Asked & { readonly store?: string | undefined; readonly path?: string | undefined }
type Bytes = { readonly pipeline?: string | undefined; readonly digest?: string | undefined }

export type ArtifactFilters = Where &
  Bytes & {
    readonly run?: string | undefined
    readonly state?: ArtifactRow['state'] | undefined
    /** By path, unless said otherwise; by time, the newest come first. */
    readonly sort?: 'path' | 'time' | undefined
  }
export type HistoryFilters = Where &
  Bytes & { readonly run?: string | undefined; readonly what?: HappeningRow['what'] | undefined }
export type ArtifactTagFilters = Where &
  Bytes & { readonly key?: string | undefined; readonly value?: string | undefined }

/** Which bytes: the last ones at a place, or those of a digest, wherever they lie. */
export type Meant =
  | { readonly store: string; readonly path: string; readonly digest?: undefined }
  | { readonly digest: string; readonly store?: undefined; readonly path?: undefined }

/** What led to what, and how far what was asked had read the log. */
export type Lineage = Walked & { readonly position: string }
export type { LineageThing }

/** An artifact as its store knows it. */
export type Stored = { readonly path: string; readonly digest: string; readonly size: number }

export type GetOptions = {
  /** Replaces a file that is there. */
  readonly overwrite?: boolean | undefined
  readonly signal?: AbortSignal | undefined
  readonly progress?: Progress | undefined
}
export type PutOptions = {
  readonly tags?: Tags | undefined
  /** Replaces what lies there; without it, that is refused. */
  readonly overwrite?: boolean | undefined
  readonly signal?: AbortSignal | undefined
  readonly progress?: Progress | undefined
}

/** Artifacts: what lies in stores, what happened to it, and what it came from. */
export type Artifacts = {
  /** Artifacts as they lie in their stores. */
  readonly list: (filters?: ArtifactFilters) => Promise<Page<ArtifactRow>>
  /** Fetches an artifact, verified by its digest: its bytes, or a file that appears whole or not at all. */
  readonly get: {
    (store: string, path: string): Promise<Uint8Array>
    (store: string, path: string, file: string, options?: GetOptions): Promise<Stored & { readonly file: string }>
  }
  /** Sends bytes to a store; resolves when they lie verified there and the log says so. */
  readonly put: (store: string, path: string, content: Content, options?: PutOptions) => Promise<Stored>
  /** Says something about what lies at a path now; gives the position at which that can be read. */
  readonly tag: (store: string, path: string, tags: Tags) => Promise<string>
  /** Everything that happened to artifacts, oldest first. */
  readonly history: (filters?: HistoryFilters) => Promise<Page<HappeningRow>>
  /** What was said about artifacts, oldest first. */
  readonly tags: (filters?: ArtifactTagFilters) => Promise<Page<ArtifactTagRow>>
  /** Why bytes exist: back to the files that were dropped in a folder, through every machine. */
  readonly why: (of: Meant, seen?: Seen & Asked) => Promise<Lineage>
  /** What used bytes, and what came of that. */
  readonly usedBy: (of: Meant, seen?: Seen & Asked) => Promise<Lineage>
}

const getOptions = knownOptions<GetOptions>('artifacts.get', { overwrite: true, signal: true, progress: true })
const putOptions = knownOptions<PutOptions>('artifacts.put', {
  tags: true,
  overwrite: true,
  signal: true,
  progress: true,
})

/** How long a store may take to answer before it is asked again, in milliseconds. */
const answeredWithin = 60_000

export const artifactsOf = (bus: Bus): Artifacts => {
  const ask = async <T>(
    named: Store,
    verb: string,
    body: object,
    signal = new AbortController().signal,
  ): Promise<T> => {
    const subject = serviceOf(named.pipeline, named.node, verb, bus.principal)
    const asking = () => bus.request(subject, body, { timeout: answeredWithin })
    return (await untilAnswered(asking, signal).catch(orUnknownStore(bus, named))) as T
  }
  const list = async <Row>(
    view: string,
    { metadata, store, ...filters }: Where & { readonly run?: string | undefined },
  ) => {
    const page = await readAnywhere<Page<Row>>(bus, metadata, view, said({ ...filters, node: store }))
    // What happened, happened at other nodes too.
    const named = view === 'history' ? { node: store } : { store }
    return unlessAbsent(bus, page, { run: filters.run, ...named })
  }
  const walk =
    (view: string): Artifacts['why'] =>
    async ({ store, ...of }, { metadata, ...seen } = {}) => {
      const named = store === undefined ? undefined : await storeNamed(bus, store)
      return readAnywhere(bus, metadata, view, said({ ...of, ...seen, store: named && partOf(named) }))
    }

  const provided = async (store: string, path: string, { progress, signal }: GetOptions) => {
    const until = signal ?? new AbortController().signal
    const named = await storeNamed(bus, store)
    const { host, ...found } = await ask<Stored & { readonly host: string }>(named, 'provide', { path }, until)
    return { found, bytes: counted(bus.buckets.get(host, found.digest, until), found.size, progress) }
  }

  const get = async (store: string, path: string, file?: string, given: GetOptions = {}) => {
    const options = getOptions(given)
    if (file !== undefined && isFolder(file)) throw faults.notAFile(file)
    if (file !== undefined && existsSync(file) && !options.overwrite)
      throw new Fault('store.taken', `${file} is there already`)
    const { found, bytes } = await provided(store, path, options)
    if (file === undefined) return new Uint8Array(Buffer.concat(await Array.fromAsync(bytes)))
    await writeFrom(bytes, file)
    return { ...found, file }
  }

  return {
    list: (filters = {}) => list('artifacts', filters),
    get: get as Artifacts['get'],
    put: async (store, path, content, options = {}) => {
      const { tags = {}, overwrite = false, signal, progress } = putOptions(options)
      const named = await storeNamed(bus, store)
      const { digest, bytes } = await readyToSend(content, progress)
      await bus.buckets.put(bus.principal, digest, bytes).catch((cause: unknown) => {
        throw withoutBucket(bus.principal, cause)
      })
      const from = `${named.pipeline}/${bus.principal}`
      const about = { from, tags, overwrite, call: randomUUID() }
      return ask(named, 'receive', { path, digest, host: bus.principal, ...about }, signal)
    },
    tag: async (store, path, tags) => {
      const named = await storeNamed(bus, store)
      const part = partOf(named)
      const { found } = await ask<{ readonly found: readonly (string | null)[] }>(named, 'look', { paths: [path] })
      const [digest] = found
      if (!digest) throw faults.noArtifact(path, part)
      const data = { store: part, path, digest, tags }
      return postFact(bus, { scope: named.pipeline, type: 'artifact.tagged', data })
    },
    history: (filters = {}) => list('history', filters),
    tags: (filters = {}) => list('artifact-tags', filters),
    why: walk('why'),
    usedBy: walk('used-by'),
  }
}

/** What to do where whoever sends a file may write into no bucket. */
const withoutBucket = (principal: string, cause: unknown): unknown =>
  cause instanceof Fault && cause.code === 'bus.denied'
    ? new Fault(
        'bus.denied',
        `${principal} may ask and read, and has no bucket to send files with. Write it a file of credentials that has: millrace certs script ${principal} --bucket --force`,
        { cause },
      )
    : cause
