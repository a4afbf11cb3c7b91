import { setTimeout as delay } from 'node:timers/promises'
import type { Database } from 'better-sqlite3'
import { contractOf, problemsOf } from '#contracts/all'
import type { Cause } from '#contracts/envelope'
import { type Address, addressOf, historyOf } from '#contracts/subjects'
import { orAborted } from './abort.ts'
import type { Append, Bus } from './bus.ts'
import { Fault, faults, reasonOf } from './fault.ts'
import { openOutboxTables } from './outbox-tables.ts'
import { batchLimit } from './publish.ts'

/** How long facts may wait before somebody is told, in milliseconds. */
const patience = 5_000

/** How long a fact's data may be, in characters: a message that a server refuses would hold up all that are behind it. */
const largestFact = 262_144

/** A fact before it is numbered. */
export type Fact = {
  readonly address: Address
  readonly type: string
  readonly data: unknown
  readonly causedBy?: Cause | undefined
  /** Who asked for it, where that is not the host itself. */
  readonly principal?: string | undefined
}

/** Who waits until everything up to a place is acknowledged. */
type Flush = { readonly upTo: number; readonly done: () => void; readonly fail: (cause: unknown) => void }

/**
 * Facts that are not yet acknowledged, numbered by their producer and kept on disk: the host can be killed, or lose the
 * bus for hours, and neither loses nor doubles one. The database belongs to one host and one log; where it has been lost,
 * or somebody else writes to the same subjects, what waits is numbered behind what lies there.
 */
export const openOutbox = (db: Database, principal: string) => {
  const tables = openOutboxTables(db)
  const flushes = new Set<Flush>()
  let wake: () => void = () => undefined
  let ended: { readonly cause: unknown } | undefined

  /** A fact as it would be kept. Throws where it breaks its contract, or is too large. */
  const check = ({ type, data, causedBy, principal: asker = principal }: Fact): { version: number; data: unknown } => {
    const contract = contractOf(type)
    if (contract?.kind !== 'fact') throw faults.brokenContract(type, 'it is no fact that can be posted')
    const parsed = contract.data.safeParse(data)
    if (!parsed.success) throw faults.brokenContract(type, problemsOf(parsed.error.issues))
    // What no header can hold would wait for ever, and all that is behind it.
    for (const said of [causedBy?.id, causedBy?.correlationId, asker])
      if (said !== undefined && !/^[\x21-\x7e]{1,400}$/.test(said))
        throw faults.brokenContract(type, 'an id is not one')
    const { length } = JSON.stringify(parsed.data)
    if (length > largestFact) throw faults.tooLarge(type, length, largestFact)
    return { version: contract.version, data: parsed.data }
  }

  /** Keeps a fact, in the transaction that is open if one is. Throws where `check` does. */
  const post = (fact: Fact): string => {
    const { address, type, causedBy, principal: asker = principal } = fact
    const kept = check(fact)
    const id = tables.add(address, historyOf(address), (id) => ({
      id,
      type,
      version: kept.version,
      source: principal,
      time: new Date().toISOString(),
      correlationId: causedBy?.correlationId ?? id,
      causationId: causedBy?.id ?? id,
      principal: asker,
      ...(causedBy?.traceparent && { traceparent: causedBy.traceparent }),
      data: kept.data,
    }))
    queueMicrotask(() => wake())
    return id
  }

  /** Keeps all of some facts, or none. */
  const postAll: (facts: readonly Fact[]) => void = db.transaction((facts: readonly Fact[]): void => {
    for (const fact of facts) post(fact)
  })

  /** Reads on from what is known of a subject: facts of ours that lie there had been stored after all. */
  const lookAgain = async (bus: Bus, subject: string): Promise<void> => {
    const address = addressOf(subject)
    const known = tables.producer(subject)
    if (!address || !known) return
    const { events, version } = await bus.read(address, known.sequence)
    if (version < known.sequence) throw faults.forgottenFacts(subject, known.sequence, version, db.name)
    tables.reconcile(subject, events, version)
  }

  /** Asks the log, before anything is sent to a subject for the first time, what lies there already. */
  const synchronise = async (bus: Bus, subject: string): Promise<void> => {
    const address = addressOf(subject)
    if (!address || tables.producer(subject)?.synced) return
    const last = await bus.last(address)
    tables.reconcile(subject, last ? [last] : [], last?.sequence ?? 0)
  }

  /** Sends what waits, as one atomic batch. */
  const sendSome = async (bus: Bus): Promise<void> => {
    for (const { subject } of tables.next(batchLimit)) await synchronise(bus, subject)
    const rows = tables.next(batchLimit)
    const bySubject = Map.groupBy(rows, ({ subject }) => subject)
    const appends = [...bySubject].map(
      ([subject, some]): Append => ({
        address: addressOf(subject) as Address,
        expectedVersion: tables.producer(subject)?.sequence ?? 0,
        events: some.map(({ event }) => JSON.parse(event)),
      }),
    )
    // What the log knows must not be forgotten here, not even by a power cut: one sync for the whole batch.
    durably(db, () => tables.touch(rows[0]?.place ?? 0))
    const lookAgainAtAll = async () => {
      for (const subject of bySubject.keys()) await lookAgain(bus, subject)
    }
    const stored = await bus.append(appends).catch(async (cause: unknown) => {
      // Where no answer came it may be stored or not.
      if (!(cause instanceof Fault) || cause.code === 'bus.timeout') await lookAgainAtAll()
      throw cause
    })
    if (stored === 'conflict') {
      await lookAgainAtAll()
      const isNews = appends.some(({ address, expectedVersion }) => {
        return tables.producer(historyOf(address))?.sequence !== expectedVersion
      })
      // Nothing lies there that we did not know: sent again at once, it would be refused again.
      if (!isNews) throw faults.contended(rows[0]?.subject ?? '', 1)
      return
    }
    // A batch lies in one piece: the last sequence tells all others.
    let sequence = stored - rows.length
    for (const [subject, some] of bySubject) {
      sequence += some.length
      tables.settle(subject, some.at(-1)?.number ?? 0, sequence)
    }
  }

  const tellFlushed = (): void => {
    const first = flushes.size > 0 ? tables.first() : undefined
    for (const { upTo, done } of flushes) if (first === undefined || first > upTo) done()
  }

  const sendOn = async (bus: Bus, signal: AbortSignal, waits: (reason: string) => void): Promise<void> => {
    let failing: number | undefined
    let told = false
    for (let tries = 0; !signal.aborted; ) {
      tellFlushed()
      if (tables.first() === undefined) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
        continue
      }
      try {
        await sendSome(bus)
        tries = 0
        failing = undefined
        told = false
      } catch (cause) {
        if (cause instanceof Fault && cause.code.startsWith('log.')) throw cause
        failing ??= performance.now()
        if (!told && performance.now() - failing > patience) {
          told = true
          waits(reasonOf(cause))
        }
        await delay(Math.min(2000, 50 * 2 ** tries++), undefined, { signal }).catch(() => undefined)
      }
    }
  }

  /** Sends facts as they come, until `signal` aborts. While the bus is away, or refuses them, they wait: `waits` says why. */
  const send = async (
    bus: Bus,
    signal: AbortSignal,
    waits: (reason: string) => void = () => undefined,
  ): Promise<void> => {
    const stop = () => wake()
    signal.addEventListener('abort', stop)
    ended = undefined
    try {
      await sendOn(bus, signal, waits)
      ended = { cause: signal.reason }
    } catch (cause) {
      ended = { cause }
      throw cause
    } finally {
      signal.removeEventListener('abort', stop)
      for (const { fail } of flushes) fail(ended?.cause)
    }
  }

  /** Resolves when everything that had been posted is acknowledged; rejects when that is not waited for any longer. */
  const flushed = (signal?: AbortSignal): Promise<void> => {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const flush: Flush = { upTo: tables.last(), done: resolve, fail: reject }
    if (ended) reject(ended.cause)
    else flushes.add(flush)
    wake()
    return (signal ? orAborted(promise, signal) : promise).finally(() => flushes.delete(flush))
  }

  return { check, post, postAll, send, flushed, waiting: tables.count }
}

export type Outbox = ReturnType<typeof openOutbox>

/** Writes so that a power cut does not undo it, nor anything that was written before. */
export const durably = (db: Database, write: () => void): void => {
  db.pragma('synchronous = full')
  try {
    write()
  } finally {
    db.pragma('synchronous = normal')
  }
}
