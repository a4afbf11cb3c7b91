import { relative, resolve } from 'node:path'
import { exitCode } from './exit.ts'
import { printable } from './printable.ts'

type Row = Readonly<Record<string, unknown>>

/** A moment as every line on the terminal has it: ISO 8601, UTC. What is none is shown as it is. */
export const timeOf = (moment: string | number): string => {
  const date = new Date(moment)
  return Number.isNaN(date.getTime()) ? String(moment) : date.toISOString()
}

const textOf = (value: unknown, name: string): string => {
  if (value === null || value === undefined) return ''
  if (typeof value === 'number' && isMoment(name)) return timeOf(value)
  return printable(typeof value === 'object' ? JSON.stringify(value) : String(value))
}

/** A cell holds one line; that there is more is shown, and `--json` has all of it. */
const cellOf = (value: unknown, name: string): string => {
  if (typeof value !== 'string') return textOf(value, name)
  const [first = '', ...more] = value.trim().split('\n')
  return printable(more.length > 0 ? `${first} …` : first)
}

/** Whether something is a moment by its name, as `startedAt` is. */
const isMoment = (name: string): boolean => /[a-z]At$/.test(name)

/** A name of data as people read it: `started` for `startedAt`, `event id` for `eventId`. */
const headOf = (name: string): string =>
  (isMoment(name) ? name.slice(0, -2) : name).replaceAll(/([a-z])([A-Z])/g, '$1 $2').toLowerCase()

/** Prints one value: JSON for programs, `name: value` lines for people. */
export const printOne = (value: Row, json: boolean): void => {
  if (json) {
    print(JSON.stringify(value))
    return
  }
  const lines = Object.entries(value).map(([name, one]): [string, string] => [`${headOf(name)}:`, textOf(one, name)])
  const width = Math.max(0, ...lines.map(([head]) => head.length))
  for (const [head, text] of lines) print(`${head.padEnd(width + 1)}${text}`)
}

/** Prints rows: a JSON line each for programs, a table for people. */
export const printRows = (rows: readonly Row[], columns: readonly string[], json: boolean): void => {
  if (json) {
    for (const row of rows) print(JSON.stringify(row))
    return
  }
  if (rows.length === 0) {
    print('none')
    return
  }
  const cells = [
    columns.map((column) => headOf(column).toUpperCase()),
    ...rows.map((row) => columns.map((column) => cellOf(row[column], column))),
  ]
  const widths = columns.map((_, index) => Math.max(...cells.map((line) => line[index]?.length ?? 0)))
  for (const line of cells)
    print(
      line
        .map((cell, index) => cell.padEnd(widths[index] ?? 0))
        .join('  ')
        .trimEnd(),
    )
}

/** Prints a page of a list; that there is more is said beside it, for whoever counts rows. */
export const printPage = (
  { items, next }: { readonly items: readonly Row[]; readonly next: string | null },
  columns: readonly string[],
  json: boolean,
): void => {
  printRows(items, columns, json)
  if (next !== null)
    process.stderr.write('There are more: narrow the list, or say how many with --limit, 1000 at most\n')
}

/**
 * Nobody reads what is printed any more, as in `millrace tail | head`, or its terminal is gone. A verb that only tells is
 * done then; one that runs something, which is why it listens to SIGHUP, goes on without a word.
 */
export const withoutReader = (cause: NodeJS.ErrnoException): void => {
  if (cause.code !== 'EPIPE' && cause.code !== 'EIO') throw cause
  if (process.listenerCount('SIGHUP') === 0) process.exit(exitCode.done)
}

export const print = (line: string): void => void process.stdout.write(`${line}\n`)

/** A path as a command line takes it from here: short where it lies below, whole where it does not. */
export const shown = (path: string): string => {
  const short = relative('.', path)
  return short === '' || short.startsWith('..') ? resolve(path) : short
}

/** A line as far as a terminal of so many columns has room for it, on a line of its own; whole where there is no terminal. */
export const fitting = (line: string, columns: number | undefined): string =>
  columns === undefined || line.length <= columns ? line : `${line.slice(0, Math.max(0, columns - 1))}…`
