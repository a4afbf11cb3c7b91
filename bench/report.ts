/** What a figure must reach. */
export type Goal = { readonly atLeast: number } | { readonly atMost: number }

/** One line of the table. Bars and aims are missing where a bench only tells how something went. */
export type Row = {
  readonly what: string
  readonly unit: string
  readonly figure: number
  readonly twin?: number
  readonly ratio?: number
  /** Holds the ratio to the twin, or the figure itself where there is no twin. */
  readonly bar?: Goal
  /** Holds the figure. */
  readonly aim?: Goal
}

/** How a bench is run: a short form only shows that it works. */
export type Options = { readonly short: boolean; readonly say: (line: string) => void }

export type Bench = (options: Options) => Promise<readonly Row[]>

/** Whether a figure reaches its goal; undefined where there is none. */
export const met = (goal: Goal | undefined, figure: number | undefined): boolean | undefined => {
  if (!goal || figure === undefined) return undefined
  return 'atLeast' in goal ? figure >= goal.atLeast : figure <= goal.atMost
}

/** A row with its verdicts, as JSON gives it. */
export const judged = (row: Row) => ({
  ...row,
  barMet: met(row.bar, row.ratio ?? row.figure),
  aimMet: met(row.aim, row.figure),
})

const columns = ['what', 'figure', 'twin', 'ratio', 'bar', 'met', 'aim', 'met'] as const

/** The rows as a table of Markdown. */
export const tableOf = (rows: readonly Row[]): string => {
  const cells = rows.map((row) => {
    const { barMet, aimMet } = judged(row)
    return [
      row.what,
      `${short(row.figure)} ${row.unit}`,
      row.twin === undefined ? '' : `${short(row.twin)} ${row.unit}`,
      row.ratio === undefined ? '' : row.ratio.toFixed(2),
      goalOf(row.bar),
      verdict(barMet),
      goalOf(row.aim),
      verdict(aimMet),
    ]
  })
  const lines = [[...columns], ...cells]
  const widths = columns.map((_, at) => Math.max(...lines.map((line) => line[at]?.length ?? 0)))
  const drawn = lines.map((line) => `| ${line.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(' | ')} |`)
  const rule = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`
  return [drawn[0], rule, ...drawn.slice(1)].join('\n')
}

const goalOf = (goal: Goal | undefined): string =>
  goal === undefined ? '' : 'atLeast' in goal ? `≥ ${short(goal.atLeast)}` : `≤ ${short(goal.atMost)}`

const verdict = (is: boolean | undefined): string => (is === undefined ? '' : is ? 'yes' : 'no')

const short = (value: number): string =>
  Math.abs(value) >= 100 ? Math.round(value).toLocaleString('en') : String(Number(value.toPrecision(3)))
