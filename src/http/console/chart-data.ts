import type { Noted } from './api.ts'
import { nameOf } from './text.ts'

/** A value that JSON has no number for: it cannot be drawn as a point, and is never left out. */
export type Oddity = { readonly series: number; readonly x: number; readonly value: 'NaN' | 'Infinity' | '-Infinity' }

export type Series = { readonly label: string }
export type Chart = {
  readonly key: string
  /** What its values are drawn over. */
  readonly over: 'step' | 'time'
  readonly series: readonly Series[]
  /** As uPlot has it: places, then the values of each series; undefined where a series says nothing at a place. */
  readonly data: readonly (readonly (number | null | undefined)[])[]
  readonly oddities: readonly Oddity[]
  readonly points: readonly Noted[]
}

/** One chart for each key that has more than one value of somebody; what has one alone is no line. */
export const chartsOf = (
  points: readonly Noted[],
): { readonly charts: readonly Chart[]; readonly single: readonly Noted[] } => {
  const single: Noted[] = []
  const charts: Chart[] = []
  for (const [key, all] of Map.groupBy(points, (one) => one.key)) {
    const bySeries = Map.groupBy(all, ({ part, attempt, principal }) =>
      JSON.stringify([part ?? principal, attempt ?? 1]),
    )
    if ([...bySeries.values()].some(({ length }) => length > 1)) charts.push(chartOf(key, all, bySeries))
    else single.push(...all)
  }
  return { charts, single }
}

const chartOf = (key: string, points: readonly Noted[], bySeries: ReadonlyMap<string, readonly Noted[]>): Chart => {
  const over = points.every(({ step }) => typeof step === 'number') ? 'step' : 'time'
  // uPlot counts time in seconds.
  const xOf = ({ step, at }: Noted): number => (over === 'step' ? (step ?? 0) : Date.parse(at) / 1000)
  const names = [...bySeries.keys()]
  const oddities: Oddity[] = []
  // A place may be said twice, by one series: then it is there twice.
  const rows: { x: number; values: (number | null | undefined)[] }[] = []
  const free = new Map<number, typeof rows>()
  for (const [series, some] of [...bySeries.values()].entries())
    for (const point of some) {
      const x = xOf(point)
      const value = typeof point.value === 'number' ? point.value : null
      if (value === null) oddities.push({ series, x, value: oddityOf(point.value) })
      const at = free.get(x) ?? []
      let row = at.find(({ values }) => values[series] === undefined)
      if (!row) {
        row = { x, values: names.map(() => undefined) }
        rows.push(row)
        free.set(x, [...at, row])
      }
      row.values[series] = value
    }
  rows.sort((one, other) => one.x - other.x)
  const data = [rows.map(({ x }) => x), ...names.map((_, series) => rows.map(({ values }) => values[series]))]
  return { key, over, series: names.map((name) => ({ label: labelOf(name) })), data, oddities, points }
}

/** What a series came to, a number or not. */
export const lastOf = ({ data: [places = [], ...values], oddities }: Chart, series: number): number | string => {
  const last = values[series]?.findLastIndex((value) => value !== undefined) ?? -1
  const isThere = (one: Oddity) => one.series === series && one.x === places[last]
  return values[series]?.[last] ?? oddities.findLast(isThere)?.value ?? '–'
}

const oddityOf = (value: unknown): Oddity['value'] => (value === 'Infinity' || value === '-Infinity' ? value : 'NaN')

const labelOf = (name: string): string => {
  const [who, attempt] = JSON.parse(name) as [string, number]
  return attempt > 1 ? `${nameOf(who)}, attempt ${attempt}` : nameOf(who)
}

/** What cannot be drawn, in a sentence. */
export const saidOf = ({ oddities, series, over }: Chart): string => {
  const most = 8
  const words = oddities.slice(0, most).map(({ value, x, series: index }) => {
    const where = over === 'step' ? `step ${x}` : new Date(x * 1000).toLocaleTimeString()
    return `${value} at ${where}${series.length > 1 ? ` (${series[index]?.label})` : ''}`
  })
  const rest = oddities.length - words.length
  return `No number: ${words.join(', ')}${rest > 0 ? `, and ${rest} more` : ''}.`
}
