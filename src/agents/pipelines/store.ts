import { mkdirSync } from 'node:fs'
import { rm, stat } from 'node:fs/promises'
import { faults, reasonOf } from '#bus/fault'
import { durably, type Fact, type Outbox } from '#bus/outbox'
import type { Cause } from '#contracts/envelope'
import { splitPart } from '#contracts/names'
import type { Local } from '../local.ts'
import { clearWorkshop, digestOfFile, exists, inside, settleAt } from './folder.ts'
import { openLedger, type Promised, type Row } from './ledger.ts'
import { type Arrival, adviceFor, originOf, turnOf, whoIs } from './origin.ts'
import type { Listed } from './shape.ts'
import { inTurn } from './turns.ts'

/** An artifact, and where it lies on this machine. */
type Lying = Listed & { readonly file: string }

/** What a watcher knows of a store's files, and how it reports what it sees. */
type Index = {
  readonly known: (path: string) => Row | undefined
  readonly paths: () => Iterable<string>
  readonly seen: (path: string, digest: string, size: number, modified: string) => void
  /** A file that lay there at the first start and is not to be offered. */
  readonly existing: (path: string) => void
  /** Whether the first start is done; until it is, the next start is the first one still. */
  readonly begun: () => boolean
  readonly begin: () => void
  readonly gone: (path: string) => void
  readonly unreadable: (path: string, reason: string) => void
}

/** A folder as a store: what lies in it, how bytes get in, and what is recorded of it. */
export const openStore = async (part: string, root: string, local: Local, outbox: Outbox) => {
  mkdirSync(root, { recursive: true })
  await clearWorkshop(root)
  const { pipeline, node } = splitPart(part)
  const address = { aggregate: 'artifact', scope: pipeline, key: node }
  const ledger = openLedger(part, local)
  const turn = inTurn()

  type Asked = Pick<Arrival, 'causedBy' | 'principal'>
  const factOf = (type: string, data: object, { causedBy, principal }: Asked = {}): Fact => ({
    ...{ address, type, data: { store: part, ...data } },
    ...{ causedBy, principal },
  })
  const post = (type: string, data: object, asked?: Asked): string => outbox.post(factOf(type, data, asked))

  /** Who wrote a file may write the same bytes once more, and other ones where he runs again, after a kill. */
  const mayReplace = (
    row: Pick<Row, 'origin' | 'digest' | 'delivery'> | undefined,
    digest: string,
    arrival: Arrival,
  ): boolean =>
    arrival.overwrite === true ||
    (row?.origin === originOf(arrival) &&
      (row.digest === digest || (arrival.by !== undefined && (row.delivery ?? 0) < (turnOf(arrival) ?? 1)))) ||
    (arrival.how === 'downloaded' && row?.origin.startsWith('downloaded') === true)

  /** What is recorded of bytes that arrived: first how they came, then what they were tagged with. */
  const factsOf = ({ path, digest, size, arrival }: Omit<Promised, 'origin'>): Fact[] => {
    const { how, by, peer, tags, ...asked } = arrival
    const data = { path, digest, size, ...(by && { by }) }
    const tagged =
      tags && Object.keys(tags).length > 0 ? [factOf('artifact.tagged', { path, digest, tags }, asked)] : []
    switch (how) {
      case 'saved':
        return [factOf('artifact.saved', data, asked), ...tagged]
      case 'uploaded':
        return [factOf('artifact.uploaded', { ...data, from: peer }, asked), ...tagged]
      case 'downloaded':
        return [factOf('artifact.downloaded', { ...data, store: peer, to: part }, asked), ...tagged]
      case 'kept':
        return []
    }
  }

  /** Takes a drafted file to its final name, and records that. Asked again by the same execution, it does what is left. */
  const admit = (draft: string, path: string, arrival: Arrival): Promise<Lying> =>
    // One at a time for each path: between the look at what lies there and the new name, nobody else may take it.
    turn(path, () => take(draft, path, arrival)).finally(() => rm(draft, { force: true }))

  const take = async (draft: string, path: string, arrival: Arrival): Promise<Lying> => {
    const file = await inside(root, path)
    const origin = originOf(arrival)
    const { digest, size } = await digestOfFile(draft)
    const known = ledger.known(path)
    const promised = ledger.promised(path)
    const allowed = [known, promised && { ...promised, delivery: turnOf(promised.arrival) }].some((row) =>
      mayReplace(row, digest, arrival),
    )
    const holder = (promised ?? known)?.origin
    if (!allowed && (await exists(file)))
      throw holder && holder !== 'seen'
        ? faults.taken(path, part, whoIs(holder), adviceFor(arrival))
        : faults.foreign(path, part, file, adviceFor(arrival))
    // Said before it is done: a file that lies there after a kill is then known to be ours.
    const promise = { path, digest, size, origin, arrival }
    factsOf(promise).forEach(outbox.check)
    // A power cut undoes no rename: it must not undo what was said before it.
    durably(local, () => ledger.promise(promise))
    const { modified } = await stampOf(draft)
    try {
      await settleAt(draft, file)
    } catch (cause) {
      // Nothing was put in place: a promise that nobody keeps would hide what somebody else puts there.
      if (await exists(draft)) promised ? ledger.promise(promised) : ledger.release(path)
      throw cause
    }
    keep(promise, modified)
    return { path, digest, size, file }
  }

  /** Records what was promised, once its bytes are in place; what has been recorded already is not again. */
  const keep = local.transaction(({ path, digest, size, origin, arrival }: Promised, modified: string) => {
    const known = ledger.known(path)
    const done = known?.origin === origin && known.digest === digest ? known.fact : null
    const fact = done ?? factsOf({ path, digest, size, arrival }).map(outbox.post)[0] ?? null
    ledger.keep({ path, digest, size, modified, origin, fact, delivery: turnOf(arrival) })
    ledger.release(path)
  })

  /** What lies at a path, read now; its time is of before that. */
  const lyingAt = async (path: string): Promise<{ digest: string; modified: string }> => {
    const file = await inside(root, path)
    const { modified } = await stampOf(file)
    return { digest: (await digestOfFile(file)).digest, modified }
  }

  /** Does what an earlier process had promised and not recorded when it died: whoever asked it may never ask again. */
  const keepPromises = async (): Promise<void> => {
    for (const promised of ledger.promises()) {
      const { path, digest } = promised
      try {
        const lying = await lyingAt(path)
        if (lying.digest === digest) keep(promised, lying.modified)
        else ledger.release(path)
      } catch (cause) {
        const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
        // What can't be looked at now is kept for another start; what can never be recorded is let go.
        if (/^(ENOENT|ENOTDIR|store\.)/.test(code)) ledger.release(path)
        else if (/^contract\./.test(code)) {
          ledger.release(path)
          post('artifact.unreadable', { path, reason: reasonOf(cause) })
        }
      }
    }
  }

  /** What lies at a path, hashed anew where nobody has said. */
  const find = async (path: string): Promise<Lying> => {
    const file = await inside(root, path)
    const found = await stampOf(file).catch(() => undefined)
    if (!found?.isFile) throw faults.noArtifact(path, part)
    const known = ledger.known(path)
    const same = known?.size === found.size && known.modified === found.modified
    const content = same ? known : await digestOfFile(file)
    return { path, digest: content.digest, size: content.size, file }
  }

  /** What lies here, by path: at most `limit` of those behind `after`. */
  const list = (after = '', limit = -1): readonly Listed[] => ledger.list(after, limit)

  const tag = async (path: string, tags: Readonly<Record<string, string>>, causedBy?: Cause): Promise<void> => {
    const { digest } = await find(path)
    post('artifact.tagged', { path, digest, tags }, { causedBy })
  }

  /** What the watcher keeps: in one transaction with the fact that says it. */
  const index: Index = {
    ...ledger,
    seen: local.transaction((path: string, digest: string, size: number, modified: string) => {
      const before = ledger.known(path)
      if (before?.digest === digest) return ledger.keep({ ...before, size, modified })
      // Whoever promised these bytes records them, after a kill when it is asked again.
      if (ledger.promised(path)?.digest === digest) return
      const change = before ? 'changed' : 'new'
      const fact = before?.digest === '' ? null : post('artifact.detected', { path, digest, size, change })
      ledger.keep({ path, digest, size, modified, origin: 'seen', fact })
      ledger.release(path)
    }),
    gone: local.transaction((path: string) => {
      if (ledger.remove(path)) post('artifact.gone', { path })
    }),
    unreadable: (path, reason) => {
      post('artifact.unreadable', { path, reason })
    },
  }

  await keepPromises()
  return { part, root, admit, find, list, tag, index }
}

export type Store = Awaited<ReturnType<typeof openStore>>

/** What is there, how large it is, and when it was last written, in nanoseconds. */
const stampOf = async (file: string): Promise<{ isFile: boolean; size: number; modified: string }> => {
  const found = await stat(file, { bigint: true })
  return { isFile: found.isFile(), size: Number(found.size), modified: String(found.mtimeNs) }
}
