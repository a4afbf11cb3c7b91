/** Measures what the design promises, each against a raw twin. `npm run bench -- append facts` runs some; `--json` for programs; exit code 1 where a bar is missed. */
import { cpus, release, totalmem } from 'node:os'
import { parseArgs } from 'node:util'
import { defaultCache, findServer } from '#bus/server-find'
import { append } from './append.ts'
import { artifact } from './artifact.ts'
import { begins } from './begins.ts'
import { cold } from './cold.ts'
import { develop } from './develop.ts'
import { dispatcher } from './dispatcher.ts'
import { experiments } from './experiments.ts'
import { facts } from './facts.ts'
import { folder } from './folder.ts'
import { idle } from './idle.ts'
import { inputs } from './inputs.ts'
import { reads } from './reads.ts'
import { rebuild } from './rebuild.ts'
import { type Bench, judged, type Row, tableOf } from './report.ts'
import { results } from './results.ts'
import { runs } from './runs.ts'
import { start } from './start.ts'

const benches: Readonly<Record<string, Bench>> = {
  append,
  facts,
  dispatcher,
  rebuild,
  begins,
  folder,
  cold,
  artifact,
  idle,
  start,
  runs,
  inputs,
  reads,
  experiments,
  results,
  develop,
}

const { values, positionals } = parseArgs({ allowPositionals: true, options: { json: { type: 'boolean' } } })
const unknown = positionals.filter((name) => !(name in benches))
if (unknown.length > 0)
  throw new Error(`No bench is called ${unknown.join(', ')}; there are ${Object.keys(benches).join(', ')}`)

/** What the figures were measured on, in words that name no machine. */
const machine = async (): Promise<Readonly<Record<string, string | number>>> => ({
  cores: cpus().length,
  cpu: cpus()[0]?.model ?? 'unknown',
  memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
  kernel: release(),
  node: process.version,
  'nats-server': (await findServer({ cache: defaultCache() })).version,
})

const short = process.env.MILLRACE_BENCH_SHORT === '1'
const say = (line: string): void => void process.stderr.write(`${line}\n`)
const rows: Row[] = []
for (const [name, bench] of Object.entries(benches)) {
  if (positionals.length > 0 && !positionals.includes(name)) continue
  say(`${name} …`)
  rows.push(...(await bench({ short, say })))
}
const on = await machine()
const told = Object.entries(on).map(([what, value]) => `${what} ${value}`)
process.stdout.write(
  values.json
    ? `${JSON.stringify({ machine: on, rows: rows.map(judged) }, null, 2)}\n`
    : `${told.join(' · ')}\n\n${tableOf(rows)}\n`,
)

const missed = rows.filter((row) => judged(row).barMet === false)
for (const { what } of missed) say(`missed its bar: ${what}`)
if (missed.length > 0 && !short) process.exitCode = 1
