import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { executorFrom } from '#agents/pipelines/elsewhere'
import { serveStore } from '#agents/pipelines/exchange'
import { draft } from '#agents/pipelines/folder'
import { inputFile } from '#agents/pipelines/handles-for'
import { openRunners } from '#agents/pipelines/runners'
import type { Scheduled } from '#agents/pipelines/scheduled'
import { usedElsewhere } from '#agents/pipelines/store-elsewhere'
import type { Bus } from '#bus/bus'
import { faults } from '#bus/fault'
import { memoryHub } from '#bus/memory'
import { askedBy } from '#contracts/subjects'
import { leafGraph, rootGraph, teller } from '../projections/story.ts'
import { storeOnDisk, temporaryFolder } from './on-disk.ts'

const by = { run: 'root/0', part: 'root/train', attempt: 1 }

/** A registry on one host, and an execution of its own pipeline on another, which loses the first answer to some requests. */
const apart = async (lost: string[] = []) => {
  const hub = memoryHub({ logId: 'log' })
  const home = await storeOnDisk('root/models', { hub, kind: 'model-registry' })
  void serveStore({ bus: home.bus, host: 'home', outbox: home.outbox, signal: home.signal }, home.store)
  const away = hub.connect('away')
  const request: Bus['request'] = async (...asked) => {
    const reply = await away.request(...asked)
    const { verb } = askedBy(asked[0])
    if (!lost.includes(verb)) return reply
    lost.splice(lost.indexOf(verb), 1)
    throw faults.interrupted(verb)
  }
  const root = join(temporaryFolder(), 'models')
  const { signal } = new AbortController()
  const doing = { by, delivery: 1, signal, waiting: () => undefined }
  const trader = { bus: { ...away, request }, host: 'away', outbox: home.outbox, signal }
  const use = usedElsewhere(trader, 'root/models', root)
  const lay = async (path: string, text: string) =>
    home.store.admit(await draft(home.store.root, text), path, { how: 'saved', overwrite: true })
  const save = async (
    path: string,
    text: string,
    more: { card?: string; overwrite?: boolean; delivery?: number } = {},
  ) => {
    const { delivery = 1, ...said } = more
    return use.save(await draft(root, text), path, said, { ...doing, delivery })
  }
  return { home, use, root, doing, lay, save }
}

test('what is saved elsewhere is recorded as saved by its execution, and once, though answers are lost', async () => {
  const lost = ['receive', 'card']
  const { home, use, doing, save } = await apart(lost)
  const { digest } = await save('a/m', 'weights', { card: '---\n---\n' })
  await use.card('---\nlicense: mit\n---\n', { path: 'a/m', digest }, { overwrite: true }, doing)
  expect(lost).toEqual([])
  const { events } = await home.bus.read({ aggregate: 'artifact', scope: 'root', key: 'models' })
  expect(events.map(({ type, data }) => `${type} ${(data as { path: string }).path}`)).toEqual([
    'artifact.saved a/m',
    'artifact.tagged a/m',
    'artifact.saved a/m.card.md',
    'artifact.tagged a/m.card.md',
    'artifact.saved a/m.card.md',
    'artifact.tagged a/m.card.md',
    'artifact.tagged a/m',
  ])
  for (const { data, principal } of events)
    expect({ data, principal }).toMatchObject({ data: { by }, principal: 'away' })
  expect(readFileSync(join(home.folder, 'a/m.card.md'), 'utf8')).toMatch(/mit/)
})

test('an execution that is delivered again may save other bytes; nobody else may, nor outside of the store', async () => {
  const { home, save } = await apart()
  await save('m', 'first')
  await save('m', 'second', { delivery: 2 })
  await expect(save('m', 'third')).rejects.toMatchObject({ code: 'store.taken' })
  await expect(save('../m', 'x')).rejects.toMatchObject({ code: 'store.outside' })
  await save('m', 'fourth', { overwrite: true })
  expect(readFileSync(join(home.folder, 'm'), 'utf8')).toBe('fourth')
})

test('what was opened stays what it was, whatever comes to lie at its path', async () => {
  const { use, doing, lay } = await apart()
  await lay('m', 'first')
  const first = await use.open('m', doing)
  await lay('m', 'second')
  const second = await use.open('m', doing)
  expect([first, second].map(({ file }) => readFileSync(file, 'utf8'))).toEqual(['first', 'second'])
  expect(second).toMatchObject({ path: 'm', size: 6 })
})

test('an input that has changed since, or is gone, is told to whoever reads it, as on the host where it lies', async () => {
  const { use, doing, lay } = await apart()
  const kept = await lay('kept', 'kept')
  const changed = await lay('changed', 'before')
  await lay('changed', 'after')
  const inputs = await use.inputs([kept, changed, { ...kept, path: 'gone' }], doing)
  const [one, other, gone] = inputs.map((file) => inputFile(async () => undefined as never, 'models', file))
  expect(await one?.text()).toBe('kept')
  await expect(other?.text()).rejects.toMatchObject({ code: 'artifact.changed' })
  await expect(gone?.text()).rejects.toMatchObject({ code: 'artifact.changed', message: /is gone since/ })
})

test('an execution that is to stop while its inputs are on their way has stopped, and leaves nothing', async () => {
  const hub = memoryHub({ logId: 'log' })
  const host = await storeOnDisk('root/other', { hub })
  const story = teller(hub.connect('teller'))
  await story.define(rootGraph)
  await story.define(leafGraph)
  await story.drop('haiku.txt')
  await story.plan()
  const { events } = await host.bus.read({ aggregate: 'run', scope: 'root', key: '0' })
  const scheduled = events.find(({ type }) => type === 'run.node-scheduled') as Scheduled
  const { bus, outbox, local, signal } = host
  const config = { configPath: '', base: '', pipeline: 'root' }
  const stop = new AbortController()
  const { promise: waits, resolve: isWaiting } = Promise.withResolvers<string>()
  const log = (_: string, line: string) => isWaiting(line)
  const execute = executorFrom(
    { bus, host: 'away', outbox, signal },
    { haikus: { kind: 'filesystem-store', path: '/', watch: true } },
    {
      ...{ local, pipeline: 'root', part: 'root/retraining', signal, log, say: () => undefined },
      runners: openRunners(config, signal),
      nodes: { bus, outbox, stores: new Map(), sources: new Map(), clients: new Map(), metadata: new Map() },
    },
  )
  const execution = { part: 'root/retraining', attempt: 1, delivery: 1, instance: 'here' }
  const executing = execute(scheduled, execution, stop.signal)
  expect(await waits).toMatch(/^root\/retraining is waiting for the host of root\/haikus: /)
  stop.abort(new Error('the run is cancelled'))
  expect(await executing).toEqual({ outcome: 'errored', reason: 'the run is cancelled' })
  expect(existsSync(join(host.base, 'elsewhere'))).toBe(false)
})
