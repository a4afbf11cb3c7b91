import { contractOf, readEvent } from '#contracts/all'
import type { Numbered } from '#contracts/envelope'
import { type Address, historyOf } from '#contracts/subjects'
import type { Append, Bus } from './bus.ts'
import type { Command } from './command.ts'
import type { Decider } from './decider.ts'
import { faults } from './fault.ts'

/** What the asker learns. */
export type Answer =
  | {
      readonly accepted: true
      /** Where it is recorded; undefined where what was asked for held already. */
      readonly position: string | undefined
      /** The types of what was recorded. */
      readonly events: readonly string[]
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

/**
 * The one impure loop: read, decide, append, and after a doubt look before deciding again. An accepted command asked
 * twice gets its first answer; a refused one is decided anew. Commands to one aggregate are handled in turn.
 */
export const ownerOf = <State, C, E>(bus: Bus, decider: Decider<State, C, E>) => {
  const folds = new Map<string, Fold<State>>()
  const turns = new Map<string, Promise<unknown>>()

  /** The aggregate as it now is: what was kept, and what has come since. Reads nothing where the version is the same. */
  const current = async (address: Address): Promise<Fold<State>> => {
    const subject = historyOf(address)
    const kept = folds.get(subject) ?? { state: decider.initial, version: 0, answered: new Map<string, Answered>() }
    const { events, version } = await bus.read(address, kept.version)
    if (version < kept.version) throw faults.shorterLog(kept.version, version) // The log was made anew under us.
    let { state } = kept
    for (const recorded of events) {
      const id = commandOfEvent(recorded.id)
      const events = [...(kept.answered.get(id)?.events ?? []), recorded.type]
      kept.answered.set(id, { position: recorded.position, events })
      const reading = readEvent(recorded)
      // What does not keep its contract is passed over here too; projections say so.
      if (reading.kept) state = decider.evolve(state, reading.event as unknown as E & { readonly position: string })
    }
    for (const id of [...kept.answered.keys()].slice(0, Math.max(0, kept.answered.size - keptCommands)))
      kept.answered.delete(id)
    const fold = { state, version, answered: kept.answered }
    folds.delete(subject)
    folds.set(subject, fold)
    const [oldest] = folds.keys()
    if (folds.size > keptFolds && oldest) folds.delete(oldest)
    return fold
  }

  const decideOn = async (address: Address, command: Command): Promise<Answer> => {
    for (let tries = 0; tries < maxTries; tries++) {
      const { state, version, answered } = await current(address)
      const first = answered.get(command.id)
      if (first) return { accepted: true, ...first }

      const commanded = { ...command, scope: address.scope, key: address.key }
      const decision = decider.decide(commanded as never, state)
      if (!decision.accepted) return decision
      if (decision.events.length === 0) return { accepted: true, position: undefined, events: [] }

      const own = { address, expectedVersion: version, events: decision.events as readonly Undated[] }
      const sequence = await bus.append(numbered([own, ...(decision.also ?? [])], command))
      if (sequence !== 'conflict')
        return { accepted: true, position: `${bus.logId}.${sequence}`, events: own.events.map(({ type }) => type) }
    }
    throw faults.contended(historyOf(address), maxTries)
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
