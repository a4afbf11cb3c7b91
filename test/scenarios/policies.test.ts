import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { ask as askOf } from '#bus/command'
import type { RunEvent } from '#contracts/run'
import { type Stage, scenario } from './stage.ts'

type Rows = { readonly items: readonly Readonly<Record<string, unknown>>[] }

const eventsOfRun = async ({ bus }: Stage, run: number) =>
  (await bus.read({ aggregate: 'run', scope: 'root_pipeline', key: `${run}` })).events
const told = async (s: Stage, run: number) =>
  (await eventsOfRun(s, run)).map(({ type, data }) => ({ type, data }) as RunEvent)
const send = async ({ bus, until }: Stage, type: string, data: object = {}, run?: number) => {
  const address = {
    aggregate: type.split('.')[0] ?? '',
    scope: 'root_pipeline',
    key: run === undefined ? 'self' : `${run}`,
  }
  return until(`an answer to ${type}`, () => askOf(bus, { address, type, data }).catch(() => undefined))
}
const started = (s: Stage, run: number, node: string) =>
  s.until(`the start of ${node}`, async () =>
    (await told(s, run)).some(
      (event) => event.type === 'run.node-started' && event.data.part === `root_pipeline/${node}`,
    ),
  )
/** What a node has printed, line by line. */
const printed = async ({ bus }: Stage, run: number, part: string): Promise<string[]> => {
  const lines: string[] = []
  await bus.printed(
    { scope: 'root_pipeline', key: `${run}`, part: `root_pipeline/${part}` },
    (some) => void lines.push(...some.flatMap((one) => one.lines.map(({ text }) => text))),
    { live: false, signal: new AbortController().signal },
  )
  return lines
}
/** Whether a process runs; one that has ended and that nobody has asked about does not. */
const runs = (pid: number): boolean => {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

scenario('overlong', ['root'], 'what takes too long is stopped and tried again; what says no is not', async (s) => {
  await s.begin()
  s.drop('root', 'orders/a.txt', 'a')
  await started(s, 0, 'work')
  await s.midway('root')
  expect((await s.ended(0)).type).toBe('run.failed')
  const failures = (await told(s, 0)).filter((event) => event.type === 'run.node-failed')
  const of = (node: string) =>
    failures.flatMap(({ data: { part, attempt, how, reason } }) =>
      part === `root_pipeline/${node}` ? [[attempt, how, reason]] : [],
    )
  expect(of('work')).toEqual([1, 2].map((attempt) => [attempt, 'errored', 'It took longer than its timeout of 1.5 s']))
  expect(of('refuse')).toEqual([[1, 'failed', 'it will not']])
  const pids = (await printed(s, 0, 'work')).flatMap((line) => /pid (\d+)/.exec(line)?.[1] ?? [])
  await s.until('the end of what took too long', async () => pids.every((pid) => !runs(Number(pid))))
  const nodes = await s.ask<Rows>('nodes', { run: 0, node: 'root_pipeline/report' })
  expect(nodes.items).toMatchObject([{ state: 'skipped', reason: 'root_pipeline/work did not succeed' }])
})

scenario(
  'outage',
  ['root'],
  'a host that is away for longer than its node may take does not use up its time',
  async (s) => {
    await s.begin()
    s.drop('root', 'orders/a.txt', 'a')
    await s.until('the function', async () => s.has('root', 'begun'))
    await s.kill('root')
    const killed = performance.now()
    await s.until('an outage longer than the timeout', async () => performance.now() - killed > 4_000)
    s.start('root')
    expect((await s.ended(0)).type).toBe('run.succeeded')
    const starts = (await told(s, 0)).filter(({ type }) => type === 'run.node-started')
    expect(starts).toMatchObject([{ data: { attempt: 1 } }, { data: { attempt: 1 } }])
  },
)

scenario(
  'stopping',
  ['root'],
  'a run that is cancelled stops functions that hear nothing and programs that ignore TERM, with all that they started',
  async (s) => {
    await s.begin()
    s.drop('root', 'orders/a.txt', 'a')
    const pids = await s.until('their pids', async () => {
      const lines = [...(await printed(s, 0, 'deaf')), ...(await printed(s, 0, 'blocked'))]
      const found = lines.flatMap((line) => (line.startsWith('pids ') ? line.slice(5).split(' ').map(Number) : []))
      return found.length === 3 && found
    })
    expect(pids.map(runs)).toEqual([true, true, true])
    await send(s, 'run.cancel', { reason: 'enough' }, 0)
    expect((await s.ended(0)).data).toEqual({ reason: 'enough', unstopped: [] })
    expect(pids.map(runs)).toEqual([false, false, false])
    const { items } = await s.ask<Rows>('nodes', { run: 0 })
    expect(items.filter(({ kind }) => kind === 'action').map(({ state }) => state)).toEqual([
      'cancelled',
      'cancelled',
      'cancelled',
    ])
  },
)

scenario(
  'policies',
  ['root'],
  'a pipeline that is paused begins nothing, also after a restart, and goes on with all of it',
  async (s) => {
    await s.begin()
    s.drop('root', 'orders/a.txt', 'fine')
    expect((await s.ended(0)).type).toBe('run.succeeded')
    const { position } = (await send(s, 'pipeline.pause', { reason: 'maintenance' })) as { position: string }
    expect(position).toBeTruthy()
    s.drop('root', 'orders/b.txt', 'fine')
    await s.midway('root')
    await s.until(
      'the file',
      async () => (await s.events()).filter(({ type }) => type === 'artifact.detected').length === 2,
    )
    // Whoever asks for a run is heard, and waits as well.
    await send(s, 'pipeline.start', { message: 'please' })
    const { nodes } = await s.http<{ nodes: { part: string; state: string; reason: string }[] }>('/api/graph')
    expect(nodes.find(({ part }) => part === 'root_pipeline/orders')).toMatchObject({
      state: 'paused',
      reason: 'root_pipeline is paused: maintenance',
    })
    expect((await s.events()).filter(({ type }) => type === 'pipeline.run-planned')).toHaveLength(1)
    await send(s, 'pipeline.resume')
    expect((await s.ended(1)).type).toBe('run.succeeded')
    expect((await told(s, 1))[0]?.data).toMatchObject({ trigger: { kind: 'request', message: 'please' } })
  },
)

scenario(
  'policies',
  ['root'],
  'a run that is paused lets what runs come to its end, and nothing begins until it is resumed',
  async (s) => {
    await s.begin()
    s.drop('root', 'orders/a.txt', 'breaks twice')
    await s.until('the first failure', async () => (await told(s, 0)).some(({ type }) => type === 'run.node-failed'))
    await send(s, 'run.pause', { reason: 'look at it' }, 0)
    await s.midway('root')
    const paused = (await eventsOfRun(s, 0)).length
    expect(await s.ask('run', { run: 0, only: 'nodes' })).toMatchObject({ state: 'paused', reason: 'look at it' })
    // Longer than the delay of the retry: were it not held back, it would have begun.
    await s.until('the time of the retry', async () => {
      const set = (await eventsOfRun(s, 0)).find(({ type }) => type === 'run.node-retry-set')
      return Date.now() > (set?.storedAt ?? Number.POSITIVE_INFINITY) + 1_500
    })
    expect((await eventsOfRun(s, 0)).slice(paused).map(({ type }) => type)).toEqual([])
    await send(s, 'run.resume', {}, 0)
    expect((await s.ended(0)).type).toBe('run.succeeded')
  },
)

scenario(
  'policies',
  ['root'],
  'a run is repeated from a node: what is before it is reused as long as its bytes are the same',
  async (s) => {
    await s.begin()
    s.drop('root', 'orders/a.txt', 'breaks')
    expect((await s.ended(0)).type).toBe('run.failed')
    const { items } = await s.ask<Rows>('runs', { run: 0 })
    expect(items).toMatchObject([{ state: 'failed', hash: expect.stringMatching(/^[0-9a-f]{64}$/) }])
    await send(s, 'pipeline.rerun', { run: 0, from: 'failed' })
    expect((await s.ended(1)).type).toBe('run.failed')
    const nodes = async (run: number) =>
      (await s.ask<{ nodes: Rows['items'] }>('run', { run, only: 'nodes' })).nodes
        .filter(({ kind }) => kind === 'action')
        .map(
          ({ part, state, reused }) => `${String(part).slice(14)} ${state}${reused === null ? '' : ` as in ${reused}`}`,
        )
    expect(await nodes(1)).toEqual(['prepare succeeded as in 0', 'work errored', 'report skipped'])
    await s.midway('root')

    // The inputs are those of the first run, whatever has arrived since, and nothing is offered twice or lost by it.
    s.drop('root', 'orders/b.txt', 'fine')
    expect((await s.ended(2)).type).toBe('run.succeeded')
    await send(s, 'pipeline.rerun', { run: 2, from: ['root_pipeline/report'] })
    expect((await s.ended(3)).type).toBe('run.succeeded')
    expect(await nodes(3)).toEqual(['prepare succeeded as in 2', 'work succeeded as in 2', 'report succeeded'])
    const report = await s.ask<Rows>('nodes', { run: 3, node: 'root_pipeline/report' })
    expect(report.items).toMatchObject([{ message: 'reported run 3, which repeats 2: worked at attempt 1' }])

    writeFileSync(join(s.bases.root ?? '', 'notes/worked2.txt'), 'other bytes')
    await send(s, 'pipeline.rerun', { run: 3, from: ['root_pipeline/report'], definition: 'old' })
    expect((await s.ended(4)).type).toBe('run.succeeded')
    expect(await nodes(4)).toEqual(['prepare succeeded as in 2', 'work succeeded', 'report succeeded'])
    await send(s, 'pipeline.rerun', { run: 4, from: ['root_pipeline/report'] })
    expect((await s.ended(5)).type).toBe('run.succeeded')
    expect(await nodes(5)).toEqual(['prepare succeeded as in 2', 'work succeeded as in 4', 'report succeeded'])
    const offered = await s.ask<Rows>('history', { what: 'offered', path: 'b.txt' })
    expect(offered.items.map(({ run }) => run)).toEqual([2, 3, 4, 5].map((run) => `root_pipeline/${run}`))
  },
)

scenario(
  'deadline',
  ['root'],
  'a run that waits for what never comes ends at its deadline, and what runs is stopped',
  async (s) => {
    await s.begin()
    await send(s, 'pipeline.start')
    await started(s, 0, 'listens')
    await s.until('the end of first', async () => (await told(s, 0)).some(({ type }) => type === 'run.node-succeeded'))
    await s.midway('root')
    expect(await s.ended(0)).toMatchObject({
      type: 'run.timed-out',
      data: { reason: 'It took longer than its deadline', unstopped: [] },
    })
    const { items } = await s.ask<Rows>('nodes', { run: 0 })
    expect(Object.fromEntries(items.map(({ part, state }) => [part, state]))).toMatchObject({
      'far_pipeline/away': 'cancelled',
      'root_pipeline/first': 'succeeded',
      'root_pipeline/listens': 'cancelled',
    })
    await send(s, 'pipeline.start')
    await s.until('the next run', async () => (await told(s, 1)).length > 0)
  },
)
