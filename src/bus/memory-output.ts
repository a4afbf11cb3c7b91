import { logOf, logsOf } from '#contracts/subjects'
import { bell } from './bell.ts'
import type { Bus, Printed } from './bus.ts'
import { faults } from './fault.ts'
import { bodiesOf, linesIn, outputBatch } from './lines.ts'
import { matches } from './memory-log.ts'

/** What was printed, as an array of messages. */
export const memoryOutput = (): Pick<Bus, 'print' | 'printed'> => {
  const kept: { readonly subject: string; readonly printed: Printed }[] = []
  const news = bell()

  const print: Bus['print'] = async ({ scope, key, part, attempt, delivery, step }, lines) => {
    const subject = logOf(scope, key, part)
    for (const body of bodiesOf(lines)) {
      const printed = linesIn({ subject, place: kept.length + 1, attempt, delivery, step, body })
      if (printed) kept.push({ subject, printed })
    }
    news.ring()
  }

  const printed: Bus['printed'] = async (of, handle, { after = 0, live, signal }) => {
    if (after > kept.length) throw faults.shorterOutput(after, kept.length)
    const wanted = logsOf(of)
    const end = live ? Number.POSITIVE_INFINITY : kept.length
    for (let place = after; !signal.aborted && place < end; ) {
      const found = kept.slice(place, end).filter(({ subject }) => matches(wanted, subject))
      const some = found.slice(0, outputBatch).map((one) => one.printed)
      place = found.length > some.length ? (some.at(-1)?.place ?? place) : Math.min(kept.length, end)
      if (some.length > 0) await handle(some)
      else if (live) await news.rung(signal)
    }
  }

  return { print, printed }
}
