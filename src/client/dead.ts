import type { Bus, Dead } from '#bus/bus'
import { Fault } from '#bus/fault'
import { contractOf, readEvent } from '#contracts/all'
import { knownOptions } from './options.ts'

/** Which letters: one piece of work by its event, all of a place or an agent, or all there are. */
export type Letters = {
  readonly event?: string | undefined
  /** The pipeline whose work it was. */
  readonly where?: string | undefined
  readonly agent?: string | undefined
  readonly all?: boolean | undefined
  /** Says which they are, and does nothing. */
  readonly dryRun?: boolean | undefined
}

/** Work that agents gave up on. */
export type DeadLetters = {
  /** Oldest first. */
  readonly list: () => Promise<readonly Dead[]>
  /** One piece, by its event; undefined where nobody gave up on it. */
  readonly get: (event: string) => Promise<Dead | undefined>
  /**
   * Puts work back where its agents find it, and removes the letters. A node whose run has recorded its end is not executed
   * again: repeat the run for that.
   */
  readonly redeliver: (letters: Letters) => Promise<readonly Dead[]>
  /** Removes letters: what they were about is forgotten. */
  readonly drop: (letters: Letters) => Promise<readonly Dead[]>
}

const known = knownOptions<Letters>('dead', { event: true, where: true, agent: true, all: true, dryRun: true })

export const deadOf = (bus: Bus): DeadLetters => {
  const chosen = async (letters: Letters): Promise<readonly Dead[]> => {
    const { event, where, agent, all = false } = known(letters)
    if (!all && event === undefined && where === undefined && agent === undefined)
      throw new Fault('contract.letters', 'Say which: an event, a pipeline, an agent, or all')
    const isOne = (wanted: string | undefined, found: string) => wanted === undefined || wanted === found
    const found = (await bus.dead()).filter(
      (letter) => isOne(event, letter.eventId) && isOne(where, letter.where) && isOne(agent, letter.agent),
    )
    if (event !== undefined && found.length === 0) throw new Fault('query.nothing', `No agent gave up on ${event}`)
    return found
  }
  const each = async (letters: Letters, act: (letter: Dead) => Promise<void>): Promise<readonly Dead[]> => {
    const found = await chosen(letters)
    if (!letters.dryRun) for (const letter of found) await act(letter)
    return found
  }
  return {
    list: () => bus.dead(),
    get: async (event) => (await bus.dead()).find(({ eventId }) => eventId === event),
    redeliver: (letters) =>
      each(letters, async (letter) => {
        await bus.put([await workOf(bus, letter)])
        await bus.unbury(letter)
      }),
    drop: (letters) => each(letters, bus.unbury),
  }
}

/** How long the log may take to give one event, in milliseconds. */
const readWithin = 10_000

/** The work that a letter is about, from the event in the log that asks for it: that of one agent, where it asks several. */
const workOf = async (bus: Bus, { sequence, eventId, where, agent }: Dead) => {
  const found = new AbortController()
  let event: Parameters<typeof readEvent>[0] | undefined
  await bus.follow(
    { logId: bus.logId, sequence: sequence - 1 },
    ({ events }) => {
      event ??= events[0]
      found.abort()
    },
    AbortSignal.any([found.signal, AbortSignal.timeout(readWithin)]),
  )
  if (event?.id !== eventId) throw new Fault('query.nothing', `The log has no event ${eventId} at ${sequence}`)
  const reading = readEvent(event)
  const works = reading.kept ? (contractOf(event.type)?.work?.(reading.event.data as never) ?? []) : []
  const work = works.find((one) => one.where === where && one.agent === agent)
  if (!work) throw new Fault('contract.work', `${eventId} is no work${reading.kept ? '' : `: ${reading.reason}`}`)
  return { ...work, event }
}
