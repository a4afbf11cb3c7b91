import { exitCode } from './exit.ts'
import { printable } from './log.ts'

type Row = Readonly<Record<string, unknown>>

const textOf = (value: unknown): string =>
  printable(
    value === null || value === undefined ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value),
  )

/** Prints one value: JSON for programs, `name: value` lines for people. */
export const printOne = (value: Row, json: boolean): void => {
  if (json) {
    print(JSON.stringify(value))
    return
  }
  const width = Math.max(0, ...Object.keys(value).map(({ length }) => length))
  for (const [key, one] of Object.entries(value)) print(`${`${key}:`.padEnd(width + 2)}${textOf(one)}`)
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
    columns.map((column) => column.toUpperCase()),
    ...rows.map((row) => columns.map((column) => textOf(row[column]))),
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

/**
 * Nobody reads what is printed any more, as in `millrace tail | head`, or its terminal is gone. A verb that only tells is
 * done then; one that runs something, which is why it listens to SIGHUP, goes on without a word.
 */
export const withoutReader = (cause: NodeJS.ErrnoException): void => {
  if (cause.code !== 'EPIPE' && cause.code !== 'EIO') throw cause
  if (process.listenerCount('SIGHUP') === 0) process.exit(exitCode.done)
}

export const print = (line: string): void => void process.stdout.write(`${line}\n`)
