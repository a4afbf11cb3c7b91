/**
 * Kills random processes of a running file transfer at random moments, starts again what does not come back by itself, and
 * checks at the end that nothing acknowledged was lost, nothing was done twice, and the projection is what a rebuild gives.
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { ask, uuidv7 } from '#bus/command'
import { openBus } from '#bus/jetstream'
import { patiently } from '#bus/patience'
import { readEvent } from '#contracts/all'
import type { Recorded } from '#contracts/envelope'
import { follow } from '#projections/follower'
import { metadata } from '#projections/metadata'
import { eventsOf } from './events.ts'
import { freePort, millrace, processesWith, type Started, stop } from './processes.ts'

export type Outcome = {
  readonly folder: string
  readonly events: readonly Recorded[]
  readonly files: number
  /** How many repetitions were accepted. */
  readonly repeated: number
  readonly kills: readonly string[]
  readonly database: string
  readonly nats: string
  /** Ends everything and removes the folder. */
  readonly end: () => Promise<void>
}

/** Numbers between 0 and 1 that a seed determines: mulberry32, by Tommy Ettinger, public domain. */
export const randomFrom = (seed: number) => {
  let state = seed >>> 0
  return (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/** What may be killed: how it is recognised among the processes of this run. */
const victims = {
  server: (command: string) => /nats-server/.test(command),
  'root agents': (command: string) => / agent .*root\.ts/.test(command),
  'leaf agents': (command: string) => / agent .*leaf\.ts/.test(command),
  'root projection': (command: string) => / web .*root\.ts/.test(command),
  'leaf projection': (command: string) => / web .*leaf\.ts/.test(command),
  'a function': (command: string) => /runner\.ts/.test(command),
  starter: (command: string) => / up /.test(command),
} as const

/** Runs the file transfer under `kills` kills that `seed` determines, then lets it come to rest. */
export const runUnderKills = async (seed: number, kills: number): Promise<Outcome> => {
  const random = randomFrom(seed)
  const folder = mkdtempSync(join(tmpdir(), 'millrace-kill-'))
  const inbox = join(folder, 'root-artifacts/input_artifacts/haiku')
  mkdirSync(inbox, { recursive: true })
  const [port, natsPort] = [await freePort(2), await freePort()]
  const nats = `nats://127.0.0.1:${natsPort}`
  const args = ['up', 'test/configs/kill', '--base', folder, '--state', join(folder, 'state'), '--no-demonstration']
  const launch = (): Started => millrace([...args, '--port', String(port), '--nats-port', String(natsPort)])
  const ours = () => processesWith(folder).filter(({ command }) => !command.includes('vitest'))
  let starter = launch()
  const told: string[] = []
  let files = 0
  const drop = () => writeFileSync(join(inbox, `haiku${files}.txt`), `haiku ${files++}\n`)

  await starter.says(/Ctrl-C stops/)
  const bus = await openBus({ url: nats, principal: 'judge', wait: true })
  /** Asks for a run to be repeated from a node of the leaf, with one id until there is an answer. */
  const again: Promise<boolean>[] = []
  const repeat = async (run: number): Promise<boolean> => {
    const address = { aggregate: 'pipeline', scope: 'root_pipeline', key: 'self' }
    const data = { run, from: ['leaf_pipeline/haiku_eval'] }
    const asked = { address, type: 'pipeline.rerun', data, id: uuidv7() }
    const patience = AbortSignal.timeout(120_000)
    const isOver = async () =>
      (await bus.read({ aggregate: 'run', scope: 'root_pipeline', key: `${run}` })).events.at(-1)?.type ===
      'run.succeeded'
    while (!(await patiently(isOver, patience))) await delay(50)
    return (await patiently(() => ask(bus, asked, { timeout: 2_000 }), patience)).accepted
  }
  for (let round = 0; round < kills; round++) {
    drop()
    if (round % 3 === 2) again.push(repeat(0))
    await delay(random() * 1500)
    const names = Object.keys(victims) as (keyof typeof victims)[]
    const name = names[Math.floor(random() * names.length)] as keyof typeof victims
    const alive = ours().filter(({ command }) => victims[name](command))
    for (const { pid } of name === 'a function' ? alive.slice(0, 1) : alive) process.kill(pid, 'SIGKILL')
    told.push(`${name} (${alive.length})`)
    if (name === 'starter') {
      await starter.ended
      starter = launch()
    }
  }

  const repeated = (await Promise.all(again)).filter(Boolean).length
  const rested = async (): Promise<Recorded[]> => {
    for (let tries = 0; tries < 600; tries++) {
      const events = await eventsOf(bus)
      const runs = events.filter(({ type }) => type === 'run.planned').length
      const ended = events.filter(({ type }) => type === 'run.succeeded' || type === 'run.failed').length
      const released = events.filter(({ type }) => type === 'pipeline.run-released').length
      const answered = events.filter(
        ({ type, data }) => kindOf(type, data) === 'rerun' || type === 'pipeline.request-dropped',
      )
      const isDone = runs === ended && runs === released && answered.length === repeated
      if (offeredIn(events) === files && isDone) return events
      await delay(200)
    }
    throw new Error(
      `Not at rest after two minutes; seed ${seed}; killed ${told.join(', ')}\n${starter.output().slice(-4000)}`,
    )
  }
  const events = await rested()
  return {
    folder,
    repeated,
    events,
    files,
    kills: told,
    database: join(folder, 'root-artifacts/input_artifacts/metadata_store/metadata.db'),
    nats,
    end: async () => {
      await bus.close()
      await stop(starter)
      for (const { pid } of ours()) process.kill(pid, 'SIGKILL')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

type Offer = { readonly after: string; readonly upTo: string; readonly count: number }

/** Why a run was planned; undefined for what plans none. */
const kindOf = (type: string, data: unknown): string | undefined =>
  type === 'pipeline.run-planned' ? (data as { trigger: { kind: string } }).trigger.kind : undefined

/** How many files have been offered to runs that repeat none. */
export const offeredIn = (events: readonly Recorded[]): number =>
  events
    .filter(({ type, data }) => (kindOf(type, data) ?? 'rerun') !== 'rerun')
    .flatMap(({ data }) => (data as { offers: Offer[] }).offers)
    .reduce((sum, { count }) => sum + count, 0)

const sequenceOf = (position: string): number => Number(position.split('.').at(-1))

/** What is wrong with what was recorded; nothing, if all is well. */
export const faultsIn = ({
  events,
  files,
  repeated,
  folder,
}: Omit<Outcome, 'kills' | 'database' | 'nats' | 'end'>): string[] => {
  const wrong: string[] = []
  const expect = (holds: boolean, claim: string) => {
    if (!holds) wrong.push(claim)
  }
  for (const event of events) expect(readEvent(event).kept, `${event.type} at ${event.position} keeps its contract`)
  expect(new Set(events.map(({ id }) => id)).size === events.length, 'every id is there once')

  const detected = events.filter(({ type }) => type === 'artifact.detected')
  expect(detected.length === files, `each of ${files} files is detected once, found ${detected.length}`)
  let reached = 0
  events
    .filter(({ type }) => type === 'pipeline.run-planned')
    .forEach(({ data }, index) => {
      const { run, offers } = data as { run: number; offers: Offer[] }
      expect(run === index, `run ${index} is counted without a gap`)
      if (kindOf('pipeline.run-planned', data) === 'rerun') return
      expect(sequenceOf(offers[0]?.after ?? '') === reached, `run ${run} is offered what comes after the one before`)
      reached = sequenceOf(offers[0]?.upTo ?? '')
    })

  const runs = Map.groupBy(
    events.filter(({ address }) => address.aggregate === 'run'),
    ({ address }) => address.key,
  )
  for (const [run, history] of runs) {
    const ends = history.filter(({ type }) => type === 'run.succeeded' || type === 'run.failed')
    expect(ends.length === 1 && ends[0]?.type === 'run.succeeded', `run ${run} succeeded once`)
    const planned = history[0]?.data as { nodes: { part: string; reused?: number }[] }
    const reused = planned.nodes.filter((node) => node.reused !== undefined).map(({ part }) => part)
    const repeats = kindOf('pipeline.run-planned', planned) === 'rerun'
    expect(reused.length === (repeats ? 2 : 0), `run ${run} reuses what it repeats, found ${reused.join(', ')}`)
    const succeeded = new Set<string>()
    const failed = new Set<number>()
    for (const { type, data } of history) {
      const { part, attempt } = data as { part: string; attempt: number }
      if (type === 'run.node-started') {
        expect(!succeeded.has(part), `${part} of run ${run} is not executed after it succeeded`)
        expect(!reused.includes(part), `${part} of run ${run} is not executed as it is reused`)
        expect(
          !failed.has(attempt) || part !== 'root_pipeline/retraining',
          `attempt ${attempt} is not begun after it broke`,
        )
      }
      if (type === 'run.node-failed') failed.add(attempt)
      if (type === 'run.node-succeeded') {
        expect(!succeeded.has(part), `${part} of run ${run} succeeds once`)
        succeeded.add(part)
      }
    }
    expect(
      succeeded.size === 3 - reused.length,
      `run ${run} has all its nodes succeed, found ${[...succeeded].join(', ')}`,
    )
    const broke = history.flatMap(({ type, data }) =>
      type === 'run.node-failed' ? [(data as { readonly reason: string }).reason] : [],
    )
    expect(
      broke.length === (Number(run) % 3 === 1 && !repeats ? 1 : 0),
      `run ${run} breaks as often as it must, found ${broke.join(', ') || 'none'}`,
    )
    const model = [
      `root-artifacts/output_artifacts/model_registry/model${run}.txt`,
      `leaf-artifacts/input_artifacts/model_registry/model${run}.txt`,
    ] as const
    const plot = [
      `leaf-artifacts/output_artifacts/plots/plot${run}.txt`,
      `root-artifacts/output_artifacts/plots/plot${run}.txt`,
    ] as const
    for (const [one, other] of repeats ? [plot] : [model, plot]) {
      const [a, b] = [one, other].map((file) => bytesOf(join(folder, file)))
      expect(a !== undefined && a === b, `${one} and ${other} are equal`)
    }
  }
  const repetitions = events.filter(({ type, data }) => kindOf(type, data) === 'rerun').length
  expect(repetitions === repeated, `each of ${repeated} repetitions is a run, found ${repetitions}`)
  for (const [store, count] of [
    ['root-artifacts/output_artifacts/model_registry', runs.size - repetitions],
    ['root-artifacts/output_artifacts/plots', runs.size],
  ] as const)
    expect(
      readdirSync(join(folder, store)).filter((name) => !name.startsWith('.')).length === count,
      `${store} holds one file for each run`,
    )
  return wrong
}

const bytesOf = (file: string): string | undefined => (existsSync(file) ? readFileSync(file, 'utf8') : undefined)

/** Whether the projection that lived through the kills is what a rebuild gives; the tables that differ, if not. */
export const projectionDrift = async ({ database, nats, folder }: Outcome): Promise<string[]> => {
  const bus = await openBus({ url: nats, principal: 'judge' })
  const stopping = new AbortController()
  const rebuilt = join(folder, 'rebuilt.db')
  const follower = await follow({ bus, path: rebuilt, projection: metadata, signal: stopping.signal })
  try {
    const head = await bus.head()
    await follower.waitFor(`${bus.logId}.${head}`, 30_000)
    for (let tries = 0; sequenceKept(database) < head; tries++) {
      if (tries > 300) return [`the projection is at ${sequenceKept(database)}, the log at ${head}`]
      await delay(100)
    }
    const [live, fresh] = [rowsOf(database), rowsOf(rebuilt)]
    return Object.keys(fresh).filter((table) => JSON.stringify(live[table]) !== JSON.stringify(fresh[table]))
  } finally {
    stopping.abort()
    await follower.ended
    await bus.close()
  }
}

const sequenceKept = (file: string): number => {
  const db = new Database(file, { readonly: true })
  const { sequence } = db.prepare('select sequence from checkpoint').get() as { sequence: number }
  db.close()
  return sequence
}

/** Every row of every table, in an order that does not depend on how they came there. */
const rowsOf = (file: string): Record<string, string[]> => {
  const db = new Database(file, { readonly: true })
  const tables = db
    .prepare("select name from sqlite_master where type = 'table' and name not like 'sqlite_%'")
    .all() as {
    name: string
  }[]
  const rows = Object.fromEntries(
    tables.map(({ name }) => [
      name,
      db
        .prepare(`select * from "${name}"`)
        .all()
        .map((row) => JSON.stringify(row))
        .sort(),
    ]),
  )
  db.close()
  return rows
}
