import { contractOf, type Message, readEvent } from '#contracts/all'
import type { Numbered, Recorded } from '#contracts/envelope'
import { type Address, historyOf } from '#contracts/subjects'
import type { Append, Bus } from './bus.ts'
import type { Command } from './command.ts'
import type { Decider, Near } from './decider.ts'
import { faults } from './fault.ts'

/** What the asker learns. */
export type Answer =
  | {
      readonly accepted: true
      /** Where it is recorded; undefined where what was asked for held already. */
      readonly position: string | undefined
      /** The types of what was recorded. */
      readonly events: readonly string[]
      /** What is to be known besides. */
      readonly note?: string
    }
  | { readonly accepted: false; readonly refusal: string; readonly detail: string }

/** How often an append may meet somebody else's before the owner gives up. */
const maxTries = 20

/** How many aggregates an owner keeps folded, and how many commands of each it remembers. */
const keptFolds = 64
const keptCommands = 1000

/** What a command that was accepted came to. */
type Answered = { readonly position: string; readonly events: readonly string[] }
type Fold<State> = { readonly state: State; readonly version: number; readonly answered: Map<string, Answered> }

/** Who decides for the aggregates of one kind. */
export type Owner<State> = {
  readonly handle: (address: Address, command: Command) => Promise<Answer>
  /** An aggregate as it now is. */
  readonly current: (address: Address) => Promise<{ readonly state: State; readonly version: number }>
}

/**
 * The one impure loop: decide, append, and after a doubt look before deciding again. It decides on what it has read or
 * recorded itself: where somebody else has recorded since, the log refuses the append, and nothing is refused or found to
 * hold already before the log has been looked at. An accepted command asked twice gets its first answer; a refused one is
 * decided anew. Commands to one aggregate are handled in turn.
 */
export const ownerOf = <State, C, E extends Message>(bus: Bus, decider: Decider<State, C, E>): Owner<State> => {
  const folds = new Map<string, Fold<State>>()
  const turns = new Map<string, Promise<unknown>>()

  /** Keeps an aggregate with what has come since, up to a version. */
  const keep = (kept: Fold<State>, events: readonly Recorded[], subject: string, version: number): Fold<State> => {
    const { answered } = kept
    let { state } = kept
    // What came of a command lies in one piece, so it is always here as a whole; told twice, it is the same.
    for (const [id, some] of Map.groupBy(events, (one) => commandOfEvent(one.id)))
      answered.set(id, { position: some.at(-1)?.position ?? '', events: some.map(({ type }) => type) })
    for (const recorded of events) {
      const reading = readEvent<E>(recorded)
      // What does not keep its contract is passed over here too; projections say so.
      if (reading.kept) state = decider.evolve(state, reading.event)
    }
    for (const id of [...answered.keys()].slice(0, Math.max(0, answered.size - keptCommands))) answered.delete(id)
    const fold = { state, version, answered }
    if (version < (folds.get(subject)?.version ?? 0)) return fold // Somebody has read or recorded more meanwhile.
    folds.delete(subject)
    folds.set(subject, fold)
    const [oldest] = folds.keys()
    if (folds.size > keptFolds && oldest) folds.delete(oldest)
    return fold
  }

  /** The aggregate as it now is: what was kept, and what has come since. Reads nothing where the version is the same. */
  const current = async (address: Address): Promise<Fold<State>> => {
    const subject = historyOf(address)
    const kept = folds.get(subject) ?? { state: decider.initial, version: 0, answered: new Map<string, Answered>() }
    const { events, version } = await bus.read(address, kept.version)
    if (version < kept.version) throw faults.shorterLog(kept.version, version) // The log was made anew under us.
    return keep(kept, events, subject, version)
  }

  const readNear = async (address: Address): Promise<Near> => ({ address, ...(await bus.read(address)) })

  const decideOn = async (address: Address, command: Command): Promise<Answer> => {
    const subject = historyOf(address)
    let known = folds.get(subject)
    for (let tries = 0; tries < maxTries; ) {
      const isFresh = known === undefined
      const fold: Fold<State> = known ?? (await current(address))
      known = undefined
      const first = fold.answered.get(command.id)
      if (first) return { accepted: true, ...first }

      const commanded = { ...command, scope: address.scope, key: address.key, at: Date.now() } as never
      const beside = decider.near?.(commanded, fold.state) ?? []
      const near = beside.length > 0 ? await Promise.all(beside.map(readNear)) : []
      const decision = decider.decide(commanded, fold.state, near)
      if (!decision.accepted || decision.events.length === 0) {
        if (!isFresh) continue
        return decision.accepted ? { accepted: true, position: undefined, events: [] } : decision
      }
      const own = { address, expectedVersion: fold.version, events: decision.events as readonly Undated[] }
      const appends = numbered([own, ...(decision.also ?? [])], command)
      const sequence = await bus.append(appends)
      if (sequence !== 'conflict') {
        // A batch lies in one piece: the last sequence tells all others.
        const before = sequence - appends.reduce((sum, { events }) => sum + events.length, 0)
        const recorded = (appends[0]?.events ?? []).map((event, at) => asRead(bus, address, event, before + at + 1))
        keep(fold, recorded, subject, before + recorded.length)
        const { note } = decision
        const events = own.events.map(({ type }) => type)
        return { accepted: true, position: `${bus.logId}.${sequence}`, events, ...(note !== undefined && { note }) }
      }
      if (isFresh) tries++
    }
    throw faults.contended(subject, maxTries)
  }

  const handle = (address: Address, command: Command): Promise<Answer> => {
    const subject = historyOf(address)
    const before = turns.get(subject) ?? Promise.resolve()
    const turn = before.then(
      () => decideOn(address, command),
      () => decideOn(address, command),
    )
    turns.set(subject, turn)
    const forget = () => turns.get(subject) === turn && turns.delete(subject)
    turn.then(forget, forget)
    return turn
  }

  return { handle, current }
}

/** An event that has been recorded, as it will be read. */
const asRead = ({ logId }: Bus, address: Address, event: Numbered, sequence: number): Recorded => ({
  ...event,
  data: JSON.parse(JSON.stringify(event.data)),
  address,
  sequence,
  position: `${logId}.${sequence}`,
  storedAt: Date.now(),
})

type Undated = { readonly type: string; readonly data: unknown }

/** Ids are derived from the command's: `<command id>-<index>`, over all aggregates of one decision. */
const numbered = (
  appends: readonly {
    readonly address: Address
    readonly expectedVersion: number
    readonly events: readonly Undated[]
  }[],
  command: Command,
): Append[] => {
  let index = 0
  return appends.map(({ address, expectedVersion, events }) => ({
    address,
    expectedVersion,
    events: events.map((event): Numbered => {
      const contract = contractOf(event.type)
      if (!contract) throw faults.brokenContract(event.type, 'it has none')
      return {
        id: `${command.id}-${index++}`,
        type: event.type,
        version: contract.version,
        source: `${address.aggregate}.${address.scope}`,
        time: new Date().toISOString(),
        correlationId: command.correlationId,
        causationId: command.causationId,
        principal: command.principal,
        ...(command.traceparent && { traceparent: command.traceparent }),
        data: event.data,
      }
    }),
  }))
}

const commandOfEvent = (id: string): string => id.slice(0, id.lastIndexOf('-'))
