import type { Bus, Line, Printed } from '#bus/bus'
import { addressOf } from './experiments.ts'
import { streamed } from './streamed.ts'

/** A line that a step printed. */
export type StepLine = Line & Pick<Printed, 'part' | 'attempt' | 'delivery' | 'step' | 'place'>

export type StepLogsOptions = {
  readonly part?: string | undefined
  readonly step?: string | undefined
  readonly attempt?: number | undefined
  /** Goes on with what comes, until the signal aborts. */
  readonly follow?: boolean | undefined
  /** Begins behind this place, which a line has told. */
  readonly after?: number | undefined
  readonly signal: AbortSignal
}

/** What the steps of an experiment printed, oldest first. */
export async function* stepLogsOf(
  bus: Bus,
  id: string,
  { part, step, attempt, follow = false, after = 0, signal }: StepLogsOptions,
): AsyncGenerator<StepLine> {
  const { scope, key } = addressOf(id)
  const of = { scope, key, ...(part !== undefined && { part }) }
  let place = after
  const read = async function* (live: boolean): AsyncGenerator<StepLine> {
    const handOn = (take: (printed: readonly Printed[]) => Promise<void>, gone: AbortSignal) =>
      bus.printed(of, take, { after: place, live, signal: AbortSignal.any([signal, gone]) })
    for await (const some of streamed(handOn))
      for (const printed of some) {
        place = printed.place
        const isMeant = (step ?? printed.step) === printed.step && (attempt ?? printed.attempt) === printed.attempt
        if (isMeant) yield* linesOf(printed)
      }
  }
  yield* read(false)
  if (follow && !signal.aborted) yield* read(true)
}

const linesOf = ({ part, attempt, delivery, step, place, lines }: Printed): StepLine[] =>
  lines.map((line) => ({ ...line, part, attempt, delivery, step, place }))
