import { hash } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { faults, reasonOf } from '#bus/fault'
import { durably, type Fact, type Outbox } from '#bus/outbox'
import type { Local } from '../local.ts'
import { inTurn } from '../turns.ts'
import { clearWorkshop, digestOfFile, draft, exists, inside, settleAt, stampOf } from './folder.ts'
import type { Listed } from './handles.ts'
import type { openLedger, Promised, Row } from './ledger.ts'
import { type Arrival, adviceFor, originOf, turnOf, whoIs } from './origin.ts'
import { type Source, writeTo } from './source.ts'
import { factsOfStore } from './store-facts.ts'

/** An artifact, and where it lies on this machine. */
export type Lying = Listed & { readonly file: string }

export type Given = {
  readonly part: string
  readonly root: string
  readonly local: Local
  readonly outbox: Outbox
  readonly ledger: ReturnType<typeof openLedger>
  /** What the folder mirrors, if it does: bytes are written there first. */
  readonly source: Source | undefined
}

/** How bytes get into a store's folder: promised, put in place, recorded; each of it once, whenever the host is killed. */
export const openAdmission = ({ part, root, local, outbox, ledger, source }: Given) => {
  const { factOf, tagged, factsOf } = factsOfStore(part)
  const turn = inTurn()

  /** Takes a drafted file to its final name, and records that. Asked again by the same execution, it does what is left. */
  const admit = (drafted: string, path: string, arrival: Arrival): Promise<Lying> => {
    const { card } = arrival
    const doing = () => take(drafted, path, arrival)
    // One at a time for each path: between the look at what lies there and the new name, nobody else may take it.
    return turn(path, () => (card ? turn(card.path, doing) : doing())).finally(() => rm(drafted, { force: true }))
  }

  const take = async (drafted: string, path: string, arrival: Arrival): Promise<Lying> => {
    const promise = { path, ...(await digestOfFile(drafted)), origin: originOf(arrival), arrival }
    const file = await allowed(promise)
    const card = cardFor(promise)
    if (card) await allowed(card)
    for (const one of card ? [promise, card] : [promise]) factsOf(one).forEach(outbox.check)
    await fulfil(promise, drafted)
    const promised = card && ledger.promised(card.path)
    if (promised?.text !== undefined) await fulfil(promised, await draft(root, promised.text))
    return { path, digest: promise.digest, size: promise.size, file }
  }

  /** The place of what is to be put there; a fault where somebody else's bytes lie there. */
  const allowed = async ({ path, digest, arrival }: Promised): Promise<string> => {
    const file = await inside(root, path)
    const known = ledger.known(path)
    const promised = ledger.promised(path)
    const rows = [known, promised && { ...promised, delivery: turnOf(promised.arrival) }]
    if (rows.some((row) => mayReplace(row, digest, arrival)) || !(await exists(file))) return file
    const holder = (promised ?? known)?.origin
    throw holder && holder !== 'seen'
      ? faults.taken(path, part, whoIs(holder), adviceFor(arrival))
      : faults.foreign(path, part, file, adviceFor(arrival))
  }

  /** Says what will be done, does it, and records it. */
  const fulfil = async (promise: Promised, drafted: string): Promise<void> => {
    const { path } = promise
    const earlier = ledger.promised(path)
    // Said before it is done: a file that lies there after a kill is then known to be ours.
    // A power cut undoes no rename: it must not undo what was said before it.
    durably(local, () => ledger.promise(promise))
    const { modified } = await stampOf(drafted)
    let written = false
    try {
      if (source) await writeTo(source, root, promise, drafted, earlier)
      written = source !== undefined
      await settleAt(drafted, await inside(root, path))
    } catch (cause) {
      // Nothing was put in place: a promise that nobody keeps would hide what somebody else puts there.
      if ((await exists(drafted)) && !written && !(source && mayBeWritten(cause)))
        earlier ? ledger.promise(earlier) : ledger.release(path)
      throw cause
    }
    keep(promise, modified)
  }

  /** Records what was promised, once its bytes are in place, and promises its card; what has been recorded is not again. */
  const keep: (promised: Promised, modified: string) => void = local.transaction((promised: Promised, modified) => {
    const { path, digest, size, origin, arrival } = promised
    const known = ledger.known(path)
    const done = known?.origin === origin && known.digest === digest ? known.fact : null
    const [arrived, ...tags] = factsOf(promised, known !== undefined)
    const fact = done ?? (arrived ? outbox.post(arrived) : null)
    if (done === null) ledger.unsay(path)
    if (tags.length > 0) {
      // What an execution that was killed brings again, with what it said last of it, is said already.
      const saying = arrival.by && sayingOf(tags)
      const isSaid = saying !== undefined && ledger.said(path)?.last === saying
      say(path, isSaid ? [] : tags, arrival.call, saying)
    }
    ledger.keep({ path, digest, size, modified, origin, fact, delivery: turnOf(arrival), version: arrival.version })
    ledger.release(path)
    const card = cardFor(promised)
    if (card) ledger.promise(card)
  })

  /** Records what is said of bytes, once where it is asked again for want of an answer; `last`: what was said in bringing them. */
  const say = (path: string, tags: readonly Fact[], call: string | undefined, last?: string): void => {
    const { calls = [] } = ledger.said(path) ?? {}
    if (call !== undefined && calls.includes(call)) return
    ledger.say(path, { calls: [...calls, ...(call === undefined ? [] : [call])].slice(-remembered), last })
    tags.forEach(outbox.post)
  }

  /** Tags what lies at a path, which `find` tells. */
  const tag = (path: string, tags: Tags, who: Saying, find: (path: string) => Promise<Listed>): Promise<void> =>
    turn(path, async () => {
      const fact = tagged(await find(path), tags, who)
      local.transaction(() => say(path, [fact], who.call))()
    })

  /** Does what an earlier process had promised and not recorded when it died: whoever asked it may never ask again. */
  const keepPromises = async (): Promise<void> => {
    await clearWorkshop(root)
    for (const promised of ledger.promises()) await keepPromise(promised)
    for (const promised of ledger.promises()) if (promised.text !== undefined) await keepPromise(promised)
  }

  const keepPromise = async (promised: Promised): Promise<void> => {
    const { path, digest, text } = promised
    try {
      const file = await inside(root, path)
      const { modified } = await stampOf(file).catch((cause) => {
        if (text === undefined) throw cause
        return { modified: '' }
      })
      if (modified && (await digestOfFile(file)).digest === digest) keep(promised, modified)
      else if (text !== undefined) await fulfil(promised, await draft(root, text))
      else if (!source) ledger.release(path)
    } catch (cause) {
      const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
      // What may lie at its resource is told once it has been fetched from there.
      if (source && code === 'ENOENT') return
      // What can't be looked at now is kept for another start; what can never be recorded is let go.
      if (code === 'store.away') return
      if (/^(ENOENT|ENOTDIR|store\.)/.test(code)) ledger.release(path)
      else if (/^contract\./.test(code)) {
        ledger.release(path)
        outbox.post(factOf('artifact.unreadable', { path, reason: reasonOf(cause) }))
      }
    }
  }

  return { admit, keep, keepPromises, tag, turn }
}

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

/** Who says something of bytes, and because of what. */
export type Saying = Pick<Arrival, 'by' | 'causedBy' | 'principal' | 'call'>
type Tags = Readonly<Record<string, string>>

/** What some tags say, of which bytes, and which attempt says it. */
const sayingOf = (tags: readonly Fact[]): string => hash('sha256', JSON.stringify(tags.map(({ data }) => data)))

/** How many askings are remembered for each path: so many may wait for an answer at once. */
const remembered = 32

/** Whether a resource may have written all the same: it did not say no. */
const mayBeWritten = (cause: unknown): boolean =>
  !['resource.failed', 'store.read-only'].includes((cause as { code?: string }).code ?? '')

/** The promise of the card that a file is saved with: by the same execution, for the same reason. */
const cardFor = ({ path: of, arrival: { card, tags: _, ...arrival } }: Promised): Promised | undefined =>
  card && {
    path: card.path,
    digest: hash('sha256', card.text),
    size: Buffer.byteLength(card.text),
    origin: originOf(arrival),
    arrival: { ...arrival, cardOf: { path: of } },
    text: card.text,
  }
