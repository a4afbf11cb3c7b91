import type { Bus, Line, Printed } from '#bus/bus'
import { endOf } from './ending.ts'
import { historyOfRun, partNamed, partsIn, type RunName, runNamed } from './naming.ts'
import { knownOptions } from './options.ts'
import { streamed } from './streamed.ts'

/** A line that a node printed, and in which of its executions. */
export type LogLine = Line & Pick<Printed, 'part' | 'attempt' | 'delivery' | 'place'>

export type LogsOptions = {
  /** One node: `<pipeline>/<node>`, or the node where one pipeline alone has it in this run. */
  readonly node?: string | undefined
  readonly attempt?: number | undefined
  /** Only lines of at least this level. */
  readonly level?: Line['level'] | undefined
  /** Goes on with what comes, until the run has ended and its last lines have come. */
  readonly follow?: boolean | undefined
  /** Only so many of the lines that are there already: the last ones. */
  readonly tail?: number | undefined
  readonly signal?: AbortSignal | undefined
}

const known = knownOptions<LogsOptions>('runs.logs', {
  node: true,
  attempt: true,
  level: true,
  follow: true,
  tail: true,
  signal: true,
})

/** What a run's nodes printed, oldest first. */
export async function* logsOf(bus: Bus, run: RunName, options: LogsOptions): AsyncGenerator<LogLine> {
  const { node, attempt, level = 'debug', follow = false, tail, signal = new AbortController().signal } = known(options)
  const named = await runNamed(bus, run)
  const parts = partsIn((await historyOfRun(bus, named)).events)
  const of = {
    scope: named.pipeline,
    key: String(named.number),
    ...(node !== undefined && { part: partNamed(node, parts) }),
  }
  const stop = new AbortController()
  const until = AbortSignal.any([signal, stop.signal])
  // Looked for before anything is read: what a run that has ended printed is there by then.
  const hasEnded = new AbortController()
  const ended = follow ? endOf(bus, named, until).then(() => hasEnded.abort()) : undefined
  ended?.catch(() => hasEnded.abort())
  let place = 0

  /** What is there, or what comes while the run goes on, each line once. */
  const lines = async function* (live: boolean): AsyncGenerator<LogLine> {
    const ending = live ? AbortSignal.any([until, hasEnded.signal]) : until
    const handOn = (take: (printed: readonly Printed[]) => Promise<void>, gone: AbortSignal) =>
      bus.printed(of, take, { after: place, live, signal: AbortSignal.any([ending, gone]) })
    for await (const some of streamed(handOn))
      for (const printed of some) {
        place = printed.place
        if (attempt === undefined || attempt === printed.attempt) yield* linesOf(printed, level)
      }
  }

  try {
    yield* tail === undefined ? lines(false) : lastOf(lines(false), tail)
    if (follow) {
      if (!hasEnded.signal.aborted) yield* lines(true)
      await ended
      yield* lines(false)
    }
    signal.throwIfAborted()
  } finally {
    stop.abort()
  }
}

const levels: readonly Line['level'][] = ['debug', 'info', 'warn', 'error']

const linesOf = ({ part, attempt, delivery, place, lines }: Printed, least: Line['level']): LogLine[] =>
  lines
    .filter(({ level }) => levels.indexOf(level) >= levels.indexOf(least))
    .map((line) => ({ ...line, part, attempt, delivery, place }))

/** The last so many of what comes. */
async function* lastOf<T>(all: AsyncIterable<T>, count: number): AsyncGenerator<T> {
  let last: T[] = []
  for await (const one of all) {
    last.push(one)
    if (last.length > 2 * count + 1_000) last = last.slice(last.length - count)
  }
  yield* last.slice(Math.max(0, last.length - count))
}
