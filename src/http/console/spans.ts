import type { Attempt, RunDetail, Span } from './api.ts'
import type { Happening } from './api-artifacts.ts'

/** What a node may be at for a while, and how that is called; what is not here is an end. */
export const phases = {
  waiting: 'waiting',
  queued: 'queued',
  paused: 'paused',
  preparing: 'preparing',
  running: 'running',
  'cleaning-up': 'cleaning up',
} as const
export type Phase = keyof typeof phases

/** A stretch of time that a node was at one thing; `to` is null while it is. Moments in milliseconds since 1970. */
export type Bar = {
  readonly phase: Phase
  readonly attempt: number
  readonly from: number
  readonly to: number | null
  readonly reason: string | null
  readonly host: string | null
  /** How the attempt ended that it is part of, where it did not succeed; or that its host is away. */
  readonly broke: string | undefined
}
/** Bytes that came from another machine or went there: when they had arrived, and for how long they were on their way. */
export type Transfer = {
  readonly at: number
  readonly took: number | null
  readonly what: string
  readonly path: string
  readonly peer: string | null
}
/** An execution that was begun again within its attempt, as no result of the one before is known. */
export type Again = { readonly at: number; readonly reason: string }
export type Row = {
  readonly part: string
  readonly state: string
  readonly reused: number | null
  readonly bars: readonly Bar[]
  readonly transfers: readonly Transfer[]
  readonly again: readonly Again[]
}

/** What each node of a run was at, in the order of the graph: stores, which do nothing, are left out. */
export const rowsOf = (run: RunDetail, spans: readonly Span[]): readonly Row[] => {
  const byPart = Map.groupBy(spans, ({ part }) => part)
  return run.nodes
    .filter(({ kind }) => kind === 'action' || kind === 'unknown')
    .map(({ part, state, reused }) => ({
      part,
      state,
      reused,
      bars: barsOf(
        byPart.get(part) ?? [],
        run.attempts.filter((one) => one.part === part),
        state === 'host away',
      ),
      transfers: transfersOf(run.artifacts, part),
      again: againIn(run.attempts.filter((one) => one.part === part)),
    }))
}

const isPhase = (state: string): state is Phase => state in phases
/** An execution is what is counted as an attempt: waiting for it is not part of it. */
export const isExecuting = (phase: Phase): boolean => ['preparing', 'running', 'cleaning-up'].includes(phase)

/** What a host that is away was at when it went is not told as if it went on. */
const barsOf = (spans: readonly Span[], attempts: readonly Attempt[], isAway: boolean): readonly Bar[] => {
  const bars: Bar[] = []
  for (const { state, from, to, attempt, reason, host } of spans) {
    if (!isPhase(state) || from === to) continue
    const last = bars.at(-1)
    const how = attempts.findLast((one) => one.attempt === attempt)?.outcome
    const ended = isExecuting(state) && how !== 'running' && how !== 'succeeded' ? how : undefined
    const broke = isAway && to === null ? 'host away' : ended
    const bar = { phase: state, attempt, from: Date.parse(from), to: to && Date.parse(to), reason, host, broke }
    const goesOn = last?.phase === state && last.attempt === attempt && last.to === bar.from
    if (goesOn) bars[bars.length - 1] = { ...last, to: bar.to || null, reason: reason ?? last.reason }
    else bars.push({ ...bar, to: bar.to || null })
  }
  return bars
}

const againIn = (attempts: readonly Attempt[]): readonly Again[] =>
  attempts.flatMap(({ outcome, endedAt, reason }) =>
    outcome === 'superseded' && endedAt ? [{ at: Date.parse(endedAt), reason: reason ?? '' }] : [],
  )

const transfersOf = (artifacts: readonly Happening[], of: string): readonly Transfer[] =>
  artifacts
    .filter(({ what, part }) => part === of && (what === 'downloaded' || what === 'uploaded'))
    .map(({ what, at, took, path, peer }) => ({ what, at: Date.parse(at), took, path, peer }))

const steps = [1, 2, 5, 10, 20, 50, 100, 200, 500]
  .concat([1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600].map((seconds) => seconds * 1000))
  .concat([2, 3, 6, 12, 24, 48, 168, 720].map((hours) => hours * 3_600_000))

/** Moments of an axis, in milliseconds from its beginning: round ones, and few enough to be read. */
export const ticksOf = (length: number, most = 8): readonly number[] => {
  const step = steps.find((one) => length / one <= most) ?? length / most
  return Array.from({ length: Math.floor(length / step) + 1 }, (_, index) => index * step)
}

/** A moment of an axis in words. */
export const tickText = (milliseconds: number): string => {
  if (milliseconds === 0) return '0'
  if (milliseconds < 1000) return `${milliseconds} ms`
  const seconds = milliseconds / 1000
  if (seconds < 60) return `${seconds} s`
  const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, Math.round(seconds % 60)]
  return [hours && `${hours} h`, minutes && `${minutes} min`, rest && `${rest} s`].filter(Boolean).join(' ')
}
