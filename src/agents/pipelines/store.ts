import { mkdirSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { faults } from '#bus/fault'
import type { Outbox } from '#bus/outbox'
import type { By } from '#contracts/artifact'
import type { Recorded } from '#contracts/envelope'
import { splitPart } from '#contracts/names'
import type { Local } from '../local.ts'
import { clearWorkshop, digestOfFile, exists, inside, settleAt } from './folder.ts'
import type { Listed } from './shape.ts'

type Row = { path: string; digest: string; size: number; modified: string; origin: string; fact: string | null }
type Cause = Pick<Recorded, 'id' | 'correlationId'> | undefined

/** How bytes came into a folder, which says what is recorded of it. */
export type Arrival = {
  /**
   * `saved`: a node of this pipeline produced them. `uploaded`: a client of another pipeline sent them here.
   * `downloaded`: they were fetched here from the store that this folder's client stands for. `kept`: about to be sent.
   */
  readonly how: 'saved' | 'uploaded' | 'downloaded' | 'kept'
  readonly by?: By | undefined
  /** The other end: the client that sent them, or the store they were fetched from. */
  readonly peer?: string | undefined
  readonly overwrite?: boolean | undefined
  readonly tags?: Readonly<Record<string, string>> | undefined
  readonly causedBy?: Cause
}

/** What a watcher knows of a store's files, and how it reports what it sees. */
type Index = {
  readonly known: (path: string) => Row | undefined
  readonly paths: () => readonly string[]
  readonly seen: (path: string, digest: string, size: number, modified: string) => void
  readonly ignored: (path: string, digest: string, size: number, modified: string) => void
  readonly gone: (path: string) => void
  readonly unreadable: (path: string, reason: string) => void
}

/** A folder as a store: what lies in it, how bytes get in, and what is recorded of it. */
export const openStore = async (part: string, root: string, local: Local, outbox: Outbox) => {
  mkdirSync(root, { recursive: true })
  await clearWorkshop(root)
  const { pipeline, node } = splitPart(part)
  const address = { aggregate: 'artifact', scope: pipeline, key: node }
  const select = local.prepare<[string, string], Row>('select * from files where store = ? and path = ?')
  const all = local.prepare<[string], Row>('select * from files where store = ? order by path')
  const upsert = local.prepare(
    `insert into files (store, path, digest, size, modified, origin, fact) values (?, ?, ?, ?, ?, ?, ?)
     on conflict (store, path) do update set digest = excluded.digest, size = excluded.size,
       modified = excluded.modified, origin = excluded.origin, fact = excluded.fact`,
  )
  const remove = local.prepare('delete from files where store = ? and path = ?')

  const post = (type: string, data: object, causedBy?: Cause) =>
    outbox.post({ address, type, data: { store: part, ...data }, causedBy })

  /** Whose execution a file is from: the same one may write it again after it was killed. */
  const originOf = ({ how, by, peer }: Arrival): string => `${how} ${by ? `${by.run} ${by.part}` : (peer ?? 'script')}`

  const mayReplace = (known: Row | undefined, arrival: Arrival): boolean =>
    arrival.overwrite === true ||
    known?.origin === originOf(arrival) ||
    (arrival.how === 'downloaded' && known?.origin.startsWith('downloaded') === true)

  const record = (content: Listed, { how, by, peer, tags, causedBy }: Arrival): string | null => {
    const { path, digest } = content
    const data = { ...content, ...(by && { by }) }
    const facts = {
      saved: () => post('artifact.saved', data, causedBy),
      uploaded: () => post('artifact.uploaded', { ...data, from: peer }, causedBy),
      downloaded: () => post('artifact.downloaded', { ...data, store: peer, to: part }, causedBy),
      kept: () => null,
    }
    const fact = facts[how]()
    if (tags && how !== 'kept' && Object.keys(tags).length > 0)
      post('artifact.tagged', { path, digest, tags }, causedBy)
    return fact
  }

  /** Takes a drafted file to its final name, and records that. Asked again by the same execution, it does what is left. */
  const admit = async (draft: string, path: string, arrival: Arrival): Promise<Listed & { readonly file: string }> => {
    const file = await inside(root, path)
    const origin = originOf(arrival)
    const { digest, size } = await digestOfFile(draft)
    const known = select.get(part, path)
    if (!mayReplace(known, arrival) && (await exists(file)))
      throw known && known.origin !== 'seen' ? faults.taken(path, part, known.origin) : faults.foreign(path, part, file)
    const done = known?.origin === origin && known.digest === digest ? known.fact : null
    // Said before it is done: a file that lies there after a kill is then known to be ours.
    if (!done) upsert.run(part, path, digest, size, '', origin, null)
    await settleAt(draft, file)
    const modified = await modifiedAt(file)
    local.transaction(() => {
      const fact = done ?? record({ path, digest, size }, arrival)
      upsert.run(part, path, digest, size, modified, origin, fact)
    })()
    return { path, digest, size, file }
  }

  /** What lies at a path, hashed anew where nobody has said. */
  const find = async (path: string): Promise<Listed & { readonly file: string }> => {
    const file = await inside(root, path)
    const found = await stat(file).catch(() => undefined)
    if (!found?.isFile()) throw faults.noArtifact(path, part)
    const known = select.get(part, path)
    const same = known?.size === found.size && known.modified === (await modifiedAt(file))
    const content = same ? known : await digestOfFile(file)
    return { path, digest: content.digest, size: content.size, file }
  }

  const list = (): readonly Listed[] => all.all(part).map(({ path, digest, size }) => ({ path, digest, size }))

  const tag = async (path: string, tags: Readonly<Record<string, string>>, causedBy?: Cause): Promise<void> => {
    const { digest } = await find(path)
    post('artifact.tagged', { path, digest, tags }, causedBy)
  }

  /** What the watcher keeps: in one transaction with the fact that says it. */
  const index: Index = {
    known: (path: string) => select.get(part, path),
    paths: () => all.all(part).map(({ path }) => path),
    seen: local.transaction((path: string, digest: string, size: number, modified: string) => {
      const before = select.get(part, path)
      const fresh = before?.digest !== digest
      const fact = fresh
        ? post('artifact.detected', { path, digest, size, change: before ? 'changed' : 'new' })
        : before.fact
      upsert.run(part, path, digest, size, modified, 'seen', fact)
    }),
    ignored: (path, digest, size, modified) => {
      upsert.run(part, path, digest, size, modified, 'seen', null)
    },
    gone: local.transaction((path: string) => {
      if (remove.run(part, path).changes > 0) post('artifact.gone', { path })
    }),
    unreadable: (path, reason) => {
      post('artifact.unreadable', { path, reason })
    },
  }

  return { part, root, admit, find, list, tag, index }
}

export type Store = Awaited<ReturnType<typeof openStore>>

/** When a file was last written, in nanoseconds. */
const modifiedAt = async (file: string): Promise<string> => String((await stat(file, { bigint: true })).mtimeNs)
