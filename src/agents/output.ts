import { setTimeout as delay } from 'node:timers/promises'
import type { Bus, Line, Output } from '#bus/bus'
import { patiently } from '#bus/patience'
import type { LogLevel } from './result.ts'

/** How much of one execution's output is kept, in characters: its beginning, and its end; of that twice as much until it is cut. */
const mostAtFirst = 8 * 1024 * 1024
const mostAtLast = 256 * 1024

/** How long a line may lie here before it is printed, in milliseconds, and how many characters at most go out at once. */
const printedWithin = 100
const mostAtOnce = 128 * 1024

/** What a line counts for, in characters, beside its text and what was said with it: about what it takes to keep and to send. */
const perLine = 64

const sizeOf = ({ text, more }: Line): number => perLine + text.length + (more ? JSON.stringify(more).length : 0)

/** How long a step waits before it keeps what makes its output be read no more, in milliseconds. */
const storedWithin = 10_000

/** How long the end of an execution waits for its last lines to be stored, in milliseconds. */
const endedWithin = 2_000

type Given = { readonly bus: Pick<Bus, 'print'>; readonly about: Output; readonly signal: AbortSignal }

/**
 * Prints what one execution says. Nobody who says something waits for it, however slow the bus is; of what is more than is
 * kept, the beginning and the end are. Lines that a host has not yet printed when it is killed are lost.
 */
export const openOutput = ({ bus, about, signal }: Given) => {
  let waiting: Line[] = []
  let said = 0
  let dropped = 0
  let last: Line[] = []
  let lastSize = 0
  let printing: Promise<void> | undefined
  const tellPrinted = new WeakMap<Line, () => void>()
  const { promise: hurry, resolve: hurryUp } = Promise.withResolvers<void>()

  const keep = (line: Line): boolean => {
    const size = sizeOf(line)
    said += size
    if (said <= mostAtFirst) {
      waiting.push(line)
      return true
    }
    last.push(line)
    lastSize += size
    // Cut off in pieces, not one by one: that would move all that are left each time.
    if (lastSize > 2 * mostAtLast) cut()
    return false
  }

  /** Lets go of what is more than the end that is kept: all but the last lines. */
  const cut = (): void => {
    let gone = 0
    while (lastSize > mostAtLast && gone < last.length - 1) lastSize -= sizeOf(last[gone++] as Line)
    dropped += gone
    last = last.slice(gone)
  }

  /** The lines that go out next. */
  const take = (): Line[] => {
    let size = 0
    const upTo = waiting.findIndex((line) => {
      size += sizeOf(line)
      return size > mostAtOnce
    })
    const some = upTo < 0 ? waiting : waiting.slice(0, Math.max(1, upTo))
    waiting = upTo < 0 ? [] : waiting.slice(some.length)
    return some
  }

  const printAll = async (): Promise<void> => {
    while (waiting.length > 0) {
      const some = take()
      await patiently(() => bus.print(about, some), signal)
      for (const line of some) tellPrinted.get(line)?.()
    }
  }

  const start = (): Promise<void> => {
    printing ??= Promise.race([hurry, delay(printedWithin, undefined, { ref: false })])
      .then(printAll)
      .catch(() => undefined) // Stopping, or nobody may print: what is said stays in the host's own log.
      .finally(() => {
        printing = undefined
        if (waiting.length > 0 && !signal.aborted) void start()
      })
    return printing
  }

  const storeAll = async (within: number): Promise<void> => {
    hurryUp()
    const all = async (): Promise<void> => {
      while (waiting.length > 0 || printing) await start()
    }
    if (waiting.length > 0 || printing) await Promise.race([all(), delay(within, undefined, { ref: false })])
  }

  return {
    /** Says a line; whether it is one of those that are shown as they come. `printed` is called once it is stored. */
    add: (level: LogLevel, text: string, more?: Readonly<Record<string, unknown>>, printed?: () => void): boolean => {
      const line: Line = { at: Date.now(), level, text, ...(more && { more: plain(more) }) }
      if (printed) tellPrinted.set(line, printed)
      const shown = keep(line)
      if (shown) void start()
      return shown
    },
    /** Resolves once all that is not held back is stored, or after a while. */
    stored: (): Promise<void> => storeAll(storedWithin),
    /** Says what was held back, and resolves once everything is stored, or after a while. */
    end: async (): Promise<void> => {
      cut()
      if (dropped > 0) waiting.push({ at: Date.now(), level: 'warn', text: `… ${dropped} lines are left out here …` })
      waiting.push(...last)
      last = []
      lastSize = 0
      await storeAll(endedWithin)
    },
  }
}

/** What JSON can hold of it. */
const plain = (more: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> => {
  try {
    return JSON.parse(JSON.stringify(more, (_, value) => (typeof value === 'bigint' ? String(value) : value)))
  } catch {
    return { more: String(more) }
  }
}
