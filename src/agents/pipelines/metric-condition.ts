import type { Bus } from '#bus/bus'
import { commandFrom } from '#bus/command'
import type { Owner } from '#bus/handle'
import { patiently } from '#bus/patience'
import { knownIn } from '#contracts/all'
import type { Recorded } from '#contracts/envelope'
import { sequenceOf } from '#contracts/names'
import { historiesOf } from '#contracts/subjects'
import { aboutOf, type TrackingEvent } from '#contracts/tracking'
import type { Local } from '../local.ts'
import { judgeMetric, levelOf } from './conditions.ts'
import type { Say } from './messages.ts'
import type { Pipeline } from './pipeline-state.ts'
import type { Measured, MetricTrigger } from './shape.ts'

type Sums = { count: number; max: number; min: number; sum: number; last: number }

type Given = {
  readonly bus: Bus
  readonly owner: Owner<Pipeline>
  readonly pipeline: string
  readonly trigger: MetricTrigger
  readonly local: Local
  readonly say: Say
  readonly signal: AbortSignal
}

/**
 * Looks at each number that is logged about a pipeline or its runs, in the order of the log, and asks for a run each time the
 * condition holds. A number fires once, also over restarts: what was logged while this host was down is looked at when it
 * is back, what was logged before there was a condition never is.
 */
export const fireOnMetrics = async ({ bus, owner, pipeline, trigger, local, say, signal }: Given): Promise<void> => {
  const address = { aggregate: 'pipeline', scope: pipeline, key: 'self' }
  const fold = openFold(local, pipeline, bus.logId)
  let complaint = ''

  const look = async (event: Recorded & TrackingEvent, since: number): Promise<void> => {
    if (event.type !== 'tracking.metric-logged') return
    const { run, pipeline: of } = aboutOf(event)
    if (of !== pipeline) return
    const { key, step = null } = event.data
    const value = Number(event.data.value)
    const measured = fold.add(key, value)
    if (event.sequence <= since) return
    const verdict = judgeMetric(trigger, { ...measured, metric: { run, key, value, step } })
    if (!verdict.holds) {
      if (verdict.reason !== undefined && verdict.reason !== complaint)
        say(`${pipeline}'s metrics: ${verdict.reason}`, levelOf(verdict.mistaken))
      complaint = verdict.reason ?? ''
      return
    }
    const metric = { key, value: event.data.value, position: event.position }
    const data = { metric, message: verdict.message ?? `${key} = ${value}` }
    const command = commandFrom({ address, type: 'pipeline.fire', data, causedBy: event }, bus.principal)
    await patiently(
      () => owner.handle(address, command),
      signal,
      (reason) => say(`${pipeline} asks for no run for now: ${reason}`),
    )
  }

  const handle = async ({ events, upTo }: { readonly events: readonly Recorded[]; readonly upTo: number }) => {
    const { fired, conditionSince } = (await patiently(() => owner.current(address), signal)).state
    const since = Math.max(sequenceOf(fired), sequenceOf(conditionSince))
    for (const recorded of events) {
      const event = knownIn<TrackingEvent>(recorded)
      if (event) await look(event, since)
    }
    fold.keep(upTo)
  }
  const only = [historiesOf({ aggregate: 'tracking' })]
  try {
    await bus.follow({ logId: bus.logId, sequence: fold.sequence }, handle, signal, only)
  } catch (cause) {
    if (!signal.aborted) throw cause
  }
}

/** What has been logged so far, by key: kept on disk, so that a start reads on; without that it reads all once more. */
const openFold = (local: Local, pipeline: string, logId: string) => {
  const kept = local
    .prepare<[string, string], { sequence: number; sums: string }>(
      'select sequence, sums from measured where pipeline = ? and log = ?',
    )
    .get(pipeline, logId)
  const keep = local.prepare('insert or replace into measured (pipeline, log, sequence, sums) values (?, ?, ?, ?)')
  const sums = new Map(kept ? readSums(kept.sums) : [])
  const about: Omit<Measured, 'metric'> = {
    count: (key) => sums.get(key)?.count ?? 0,
    max: (key) => sums.get(key)?.max ?? Number.NEGATIVE_INFINITY,
    min: (key) => sums.get(key)?.min ?? Number.POSITIVE_INFINITY,
    mean: (key) => (sums.get(key)?.sum ?? Number.NaN) / (sums.get(key)?.count ?? 1),
    last: (key) => sums.get(key)?.last ?? Number.NaN,
  }
  return {
    sequence: kept?.sequence ?? 0,
    add: (key: string, value: number): Omit<Measured, 'metric'> => {
      const { count, max, min, sum } = sums.get(key) ?? {
        count: 0,
        max: Number.NEGATIVE_INFINITY,
        min: Number.POSITIVE_INFINITY,
        sum: 0,
      }
      // What is not a number is the newest, and neither the highest nor the lowest.
      const counted = Number.isNaN(value)
        ? { count, max, min, sum }
        : { count: count + 1, max: Math.max(max, value), min: Math.min(min, value), sum: sum + value }
      sums.set(key, { ...counted, last: value })
      return about
    },
    keep: (sequence: number): void => {
      keep.run(pipeline, logId, sequence, written(sums))
    },
  }
}

/** As text: JSON has no word for what is infinite. */
const written = (sums: ReadonlyMap<string, Sums>): string =>
  JSON.stringify(
    [...sums].map(([key, { count, max, min, sum, last }]) => [key, [count, max, min, sum, last].map(String)]),
  )

const readSums = (text: string): [string, Sums][] =>
  (JSON.parse(text) as [string, string[]][]).map(([key, numbers]) => {
    const [count = 0, max = 0, min = 0, sum = 0, last = 0] = numbers.map(Number)
    return [key, { count, max, min, sum, last }]
  })
