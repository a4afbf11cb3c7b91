import { useEffect, useState } from 'react'
import { allLines, type LogChoice, type LogLine, lastLines, liveLines } from './log-api.ts'

/** How many lines are there at first, and how many are kept at most. */
export const first = 2_000
export const most = 200_000
/** How long what is printed is gathered before it is shown, and how long to wait after an answer that ended the stream. */
const gathering = 60
const patience = 1_000

export type Log = {
  readonly lines: readonly LogLine[]
  readonly state: 'reading' | 'live' | 'reconnecting' | 'ended'
  /** Whether there may be lines before the first one here. */
  readonly isCut: boolean
  readonly error?: Error | undefined
}

const nothing: Log = { lines: [], state: 'reading', isCut: false }

/** The log of a run or an experiment: the last lines, then what comes; and a way to fetch all that came before. */
export const useLog = (of: string, { node, part, step, attempt, level }: LogChoice, isOver: boolean) => {
  const [log, become] = useState(nothing)
  const [feed, setFeed] = useState<ReturnType<typeof follow>>()
  // A run that ends while one reads on is read on: whether it is over matters at the beginning alone.
  const [began] = useState(isOver)
  useEffect(() => {
    become(nothing)
    const opened = follow(of, { node, part, step, attempt, level }, began, become)
    setFeed(opened)
    return opened.close
  }, [of, node, part, step, attempt, level, began])
  return { log, fetchAll: feed?.fetchAll }
}

const follow = (of: string, choice: LogChoice, isOver: boolean, say: (log: Log) => void) => {
  const leaving = new AbortController()
  let log = nothing
  let waiting: LogLine[] = []
  let timer: ReturnType<typeof setTimeout> | undefined
  let source: EventSource | undefined

  const become = (change: Partial<Log>): void => {
    if (leaving.signal.aborted) return
    log = { ...log, ...change }
    say(log)
  }
  const fail = (error: unknown): void => become({ state: 'ended', error: error as Error })

  const flush = (): void => {
    timer = undefined
    const lines = log.lines.concat(waiting)
    const isCut = log.isCut || (log.lines.length === 0 && waiting.length >= first)
    waiting = []
    become(lines.length > most ? { lines: lines.slice(-most), isCut: true } : { lines, isCut })
  }
  const take = (lines: readonly LogLine[]): void => {
    waiting.push(...lines)
    timer ??= setTimeout(flush, gathering)
  }

  const open = (): void => {
    const last = (waiting.at(-1) ?? log.lines.at(-1))?.place
    source = new EventSource(liveLines(of, choice, last === undefined ? { tail: first } : { after: last }))
    source.addEventListener('lines', ({ data }) => take(JSON.parse(data)))
    source.addEventListener('live', () => become({ state: 'live' }))
    source.addEventListener('error', () => {
      become({ state: 'reconnecting' })
      if (source?.readyState === EventSource.CLOSED && !leaving.signal.aborted) timer = setTimeout(again, patience)
    })
  }
  const again = (): void => {
    timer = undefined
    if (waiting.length > 0) flush()
    open()
  }

  if (isOver)
    lastLines(of, choice, first, leaving.signal).then(
      (lines) => become({ lines, state: 'ended', isCut: lines.length >= first }),
      fail,
    )
  else open()

  /** Fetches what came before the first line that is here; lines that lie at its place are told again, so they are replaced. */
  const fetchAll = async (): Promise<void> => {
    const place = log.lines[0]?.place ?? Number.MAX_SAFE_INTEGER
    const older: LogLine[] = []
    try {
      for await (const lines of allLines(of, choice, leaving.signal)) {
        for (const line of lines) if (line.place <= place) older.push(line)
        if ((lines.at(-1)?.place ?? 0) > place || older.length >= most) break
      }
      const all = older.concat(log.lines.filter((line) => line.place > place))
      become({ lines: all.slice(-most), isCut: all.length > most })
    } catch (error) {
      become({ error: error as Error })
    }
  }
  const close = (): void => {
    leaving.abort()
    clearTimeout(timer)
    source?.close()
  }
  return { fetchAll, close }
}
