import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { Bus } from '#bus/bus'
import { openBus } from '#bus/jetstream'
import { queryOf } from '#contracts/subjects'
import { eventsOf } from '../events.ts'
import { startNats } from '../nats.ts'
import { freePort, millrace, processesWith, type Started, stop, temporaryFolders } from '../processes.ts'

const newFolder = temporaryFolders()
const config = 'test/cli/only-config.ts'

type Rows = { readonly items: readonly Readonly<Record<string, unknown>>[] }

/** A server, and machines: folders that share nothing. */
const opened = async () => {
  const nats = await startNats()
  onTestFinished(async () => void (await nats.stop()))
  const bus: Bus = await openBus({ url: nats.url, principal: 'test' })
  onTestFinished(bus.close)
  const machine = () => {
    const base = newFolder()
    const state = join(base, 'state')
    const at = ['--nats', nats.url, '--state', state, '--base', base]
    const started = (...args: string[]): Started => {
      const one = millrace(args)
      onTestFinished(async () => void (await stop(one)))
      return one
    }
    const agent = (name: string, only: string) => started('agent', config, ...at, '--name', name, '--only', only)
    const web = async () => started('web', config, ...at, '--port', String(await freePort(2)))
    const up = async (...more: string[]) => started('up', config, ...at, '--port', String(await freePort(2)), ...more)
    const drop = (text: string) => {
      mkdirSync(join(base, 'inbox'), { recursive: true })
      writeFileSync(join(base, 'draft'), text)
      renameSync(join(base, 'draft'), join(base, 'inbox', `${text}.txt`))
    }
    return { base, state, agent, web, up, drop }
  }
  const ended = async (run: number) => {
    for (;;) {
      const { events } = await bus.read({ aggregate: 'run', scope: 'shared', key: String(run) })
      const end = events.find(({ type }) => /^run\.(succeeded|failed)$/.test(type))
      if (end) return end.type
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
  const ask = async (view: string, params: object = {}): Promise<Rows['items']> => {
    const after = `${bus.logId}.${await bus.head()}`
    const { items } = (await bus.request(queryOf(view, 'shared', 'test'), { ...params, after })) as Rows
    return items
  }
  /** Everything that has happened to artifacts in the first run, whenever. */
  const happened = async () => {
    const rows = await ask('history', { run: 'shared/0' })
    return rows.map(({ part, what, store, path }) => [what, part, store, path].join(' ')).toSorted()
  }
  return { bus, machine, ended, ask, happened }
}

/** What happens to artifacts where one host runs all of the pipeline. */
const onOneHost = async () => {
  const { machine, ended, happened } = await opened()
  const all = machine()
  const nodes = ['metadata_store', 'inbox', 'models', 'prepare', 'train', 'count', 'report']
  await all.agent('all', nodes.map((node) => `shared/${node}`).join(',')).says(/all is ready/)
  all.drop('haiku')
  await (await all.web()).says(/https:/)
  expect(await ended(0)).toBe('run.succeeded')
  const found = await happened()
  expect(found).toHaveLength(15)
  return found
}

test('three hosts share one pipeline: a function uses stores that are elsewhere as if they were beside it', async () => {
  const { bus, machine, ended, ask, happened } = await opened()
  const [gpu, root, disk] = [machine(), machine(), machine()]
  const left = join(gpu.state, 'hosts/gpu/elsewhere/left')
  mkdirSync(left, { recursive: true })
  await gpu.agent('gpu', 'train,count').says(/gpu is ready/)
  expect(existsSync(left)).toBe(false)
  const keeper = root.agent('keeper', 'metadata_store,shared/inbox,shared/prepare,report')
  await keeper.says(/keeper is ready/)
  root.drop('haiku')
  await keeper.says(/shared\/prepare is waiting for the host of shared\/models/)
  await disk.agent('disk', 'models').says(/disk is ready/)
  await (await root.web()).says(/https:/)
  expect(await ended(0)).toBe('run.succeeded')

  const attempts = await ask('attempts', { order: 'asc' })
  expect(attempts.map(({ part, host, outcome }) => `${part} ${host} ${outcome}`)).toEqual([
    'shared/prepare keeper succeeded',
    'shared/train gpu succeeded',
    'shared/count gpu succeeded',
    'shared/report keeper succeeded',
  ])
  const messages = (await ask('nodes')).map(({ part, message }) => [part, message])
  expect(messages).toContainEqual(['shared/report', 'trained on haiku'])
  expect(messages).toContainEqual(['shared/count', '2 elsewhere'])
  const train = new Map(messages as [string, string][]).get('shared/train') ?? ''
  expect(JSON.parse(train)).toEqual({
    rate: 3,
    listed: ['nested/model 0.txt', 'nested/model 0.txt.card.md', 'prepared0.txt', 'prepared0.txt.card.md'],
    taken: expect.stringMatching(/^nested\/model 0\.txt in shared\/models is there already, from shared\/train in run/),
    missing: expect.stringMatching(/^shared\/models holds no none\.txt/),
  })

  expect(readFileSync(join(disk.base, 'models/nested/model 0.txt'), 'utf8')).toBe('trained on haiku')
  expect(readFileSync(join(disk.base, 'models/count.txt'), 'utf8')).toBe('words\n')
  expect(readFileSync(join(disk.base, 'models/nested/model 0.txt.card.md'), 'utf8')).toMatch(/license: mit/)
  for (const { base } of [gpu, root]) expect(existsSync(join(base, 'models'))).toBe(false)
  for (const [of, host] of [
    [gpu, 'gpu'],
    [root, 'keeper'],
  ] as const)
    expect(readdirSync(join(of.state, 'hosts', host, 'elsewhere'))).toEqual([])

  expect(await happened()).toEqual(await onOneHost())

  const there = new Map((await bus.present()).map(({ host, nodes }) => [host, nodes]))
  expect(there.get('gpu')).toEqual(['shared/train', 'shared/count'])
  expect(there.get('disk')).toEqual(['shared/models'])
  expect(there.get('keeper')).toEqual(['shared/metadata_store', 'shared/inbox', 'shared/prepare', 'shared/report'])
  const decided = (await eventsOf(bus)).filter(
    ({ address }) => address.aggregate === 'pipeline' && address.scope === 'shared',
  )
  expect(new Set(decided.map(({ principal }) => principal))).toEqual(new Set(['keeper']))
}, 120_000)

test('a node that is none is refused before anything starts, with the name that was probably meant', async () => {
  const folder = newFolder()
  const run = async (verb: string, only: string, of = config) => {
    const started = millrace([verb, of, '--only', only, '--state', join(folder, 'state'), '--base', folder])
    return { code: await started.ended, said: started.output().trim() }
  }
  const unknown = { code: 2, said: "only-config.ts has no node 'trian'; did you mean 'train'?" }
  expect(await run('agent', 'models,trian')).toEqual(unknown)
  expect(await run('up', 'trian')).toEqual(unknown)
  expect(await run('agent', 'inbox')).toEqual({
    code: 2,
    said: 'Several pipelines of only-config.ts have a node inbox. Say which: beside/inbox, shared/inbox',
  })
  const several = await run('up', 'retraining', 'examples/file-transfer')
  expect(several).toMatchObject({ code: 2, said: expect.stringMatching(/^--only is for the nodes of one config/) })
  expect(existsSync(join(folder, 'state/nats'))).toBe(false)
}, 60_000)

test('up with some nodes starts a web process where the metadata store is, and none elsewhere', async () => {
  const { machine, ended } = await opened()
  const [gpu, root] = [machine(), machine()]
  const first = await root.up('--only', 'metadata_store,shared/inbox,models,prepare,report')
  await first.says(/Ctrl-C stops everything; drop a file into .*inbox for/)
  expect(first.output()).toMatch(/only-config\.ts: https:/)
  const second = await gpu.up('--only', 'train,count', '--name', 'gpu')
  await second.says(/Of only-config\.ts, only: shared\/train, shared\/count\nCtrl-C stops everything\n/)
  expect(second.output()).not.toMatch(/https:/)
  expect(processesWith(gpu.base).filter(({ command }) => / web /.test(command))).toEqual([])
  expect(processesWith(root.base).filter(({ command }) => / web /.test(command))).toHaveLength(1)
  root.drop('haiku')
  expect(await ended(0)).toBe('run.succeeded')
  await second.says(/shared\/train runs on gpu/)
  expect(await stop(second)).toBe(0)
  expect(await stop(first)).toBe(0)
}, 120_000)
