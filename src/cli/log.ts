import { createWriteStream, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { Writable } from 'node:stream'
import pino from 'pino'
import { timeOf } from './print.ts'
import { printable } from './printable.ts'

export type Level = 'debug' | 'info' | 'warn' | 'error'
export type Log = (level: Level, message: string, more?: Readonly<Record<string, unknown>>) => void

/** Logs with levels: JSON lines into a file, readable lines onto the terminal; `keep` into the file alone. `close` resolves when all of it lies there. */
export const openLog = (
  file: string,
  level: Level = 'info',
): Log & { readonly keep: Log; readonly close: () => Promise<void> } => {
  mkdirSync(dirname(file), { recursive: true })
  const common = { base: null, timestamp: pino.stdTimeFunctions.isoTime }
  const stream = createWriteStream(file, { flags: 'a' })
  const kept = pino({ ...common, level: 'debug' }, stream)
  const shown = pino({ ...common, level }, terminal())
  const keep: Log = (at, message, more = {}) => kept[at](more, message)
  const log: Log = (at, message, more = {}) => {
    keep(at, message, more)
    shown[at](more, message)
  }
  const close = () => new Promise<void>((resolve) => stream.end(resolve))
  return Object.assign(log, { keep, close })
}

const names: Readonly<Record<number, string>> = { 20: 'DEBUG', 30: 'INFO', 40: 'WARN', 50: 'ERROR' }

const terminal = (): Writable =>
  new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      const { level, time, msg, node, run } = JSON.parse(chunk.toString()) as Record<string, string>
      const about = node ? ` ${node}${run ? ` in ${run}` : ''}:` : ''
      // The lines of a stack stay lines; indented, none can be taken for one of ours.
      const said = (msg ?? '').trimEnd().split('\n').map(printable).join('\n    ')
      process.stdout.write(`${timeOf(time ?? '')} ${names[Number(level)] ?? level}${about} ${said}\n`, () => done())
    },
  })
