import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { loadPipelines } from '#agents/pipelines/config'
import { pipeline as define } from '#agents/pipelines/define'
import { temporaryFolder } from './on-disk.ts'

const action = (edges = '') => `{ kind: 'action', ${edges} steps: { execute: () => 0 } }`
const pipeline = (name: string, { stores = '', actions = '' }) =>
  `{ name: '${name}', stores: { ${stores} }, actions: { ${actions} } }`
const store = (path: string) => `{ kind: 'filesystem-store', path: '${path}', watch: false }`

/** Loads a config with these exports. */
const load = (exports: Readonly<Record<string, string>>) => {
  const file = join(temporaryFolder(), 'config.mjs')
  const lines = Object.entries(exports).map(([name, value]) => `export const ${name} = ${value}`)
  writeFileSync(file, lines.join('\n'))
  return loadPipelines(file, '/base')
}

test('a node of the own pipeline that does not exist is a mistake, also by its qualified name', async () => {
  const one = (after: string) =>
    load({ p: pipeline('p', { actions: `train: ${action()}, test: ${action(`after: ['${after}'],`)}` }) })
  await expect(one('p/trian')).rejects.toThrow(/p\.actions\.test\.after\.0: .*'p\/trian'.* 'train'\?/)
  await expect(one('p/')).rejects.toThrow(/p\.actions\.test\.after\.0/)
  expect(await one('p/train')).toHaveLength(1)
  expect(await one('elsewhere/unheard_of')).toHaveLength(1)
})

test('a node that another pipeline of the same config does not have is a mistake', async () => {
  const b = pipeline('b', { actions: `score: ${action()}` })
  for (const edge of ['after', 'next'])
    await expect(
      load({ a: pipeline('a', { actions: `train: ${action(`${edge}: ['b/socre'],`)}` }), b }),
    ).rejects.toThrow(
      new RegExp(`a\\.actions\\.train\\.${edge}\\.0: no node is called 'b/socre'; did you mean 'score'`),
    )
})

test('two pipelines of one name are a mistake that names both; one under two names is none', async () => {
  const one = pipeline('p', { actions: `train: ${action()}` })
  await expect(load({ one, two: one })).rejects.toThrow(/two\.name: one is called 'p' already/)
  expect(await load({ one, again: 'one' })).toHaveLength(1)
})

test.each([
  ['./data', './data'],
  ['./data', './data/'],
  ['./data', './other/../data/in'],
  ['./data/in', './data'],
  ['.', './data'],
])('stores at %s and %s overlap, which is a mistake that names both', async (first, second) => {
  const stores = `a: ${store(first)}`
  await expect(load({ p: pipeline('p', { stores: `${stores}, b: ${store(second)}` }) })).rejects.toThrow(
    /p\.stores\.b\.path: .* p\.stores\.a\.path overlap/,
  )
  const two = pipeline('q', { stores: `b: { kind: 'store-client', of: 'p/a', path: '${second}' }` })
  await expect(load({ p: pipeline('p', { stores }), q: two })).rejects.toThrow(
    /q\.stores\.b\.path: .* p\.stores\.a\.path overlap/,
  )
})

test('stores beside each other, with names that begin alike, do not overlap', async () => {
  const stores = `a: ${store('./data')}, b: ${store('./data2')}`
  expect(await load({ p: pipeline('p', { stores }) })).toHaveLength(1)
})

test('a metadata database inside a store is a mistake: its every write would be an artifact', async () => {
  const stores = `in: ${store('./in')}, meta: { kind: 'metadata-store', path: './in/metadata.db' }`
  await expect(load({ p: pipeline('p', { stores }) })).rejects.toThrow(/p\.stores\.meta\.path: .* overlap/)
})

test('a cycle of nodes over two pipelines is a mistake; pipelines may feed each other without one', async () => {
  const cycle = {
    a: pipeline('a', { actions: `x: ${action(`after: ['b/y'],`)}` }),
    b: pipeline('b', { actions: `y: ${action(`after: ['a/x'],`)}` }),
  }
  await expect(load(cycle)).rejects.toThrow(/a cycle: a\/x -> b\/y -> a\/x/)
  const there = {
    a: pipeline('a', { actions: `x: ${action(`next: ['b/y'],`)}, z: ${action(`after: ['b/y'],`)}` }),
    b: pipeline('b', { actions: `y: ${action()}` }),
  }
  expect(await load(there)).toHaveLength(2)
})

test('a node that is called like a page of the web process is a mistake', async () => {
  const taken = load({ p: pipeline('p', { stores: `runs: ${store('runs')}`, actions: `health: ${action()}` }) })
  await expect(taken).rejects.toThrow(/p\.stores\.runs: .*\n.*p\.actions\.health: .*page of this name/)
})

test('a client of what another pipeline of the config has not, or of no such kind, is a mistake', async () => {
  const root = pipeline('root', {
    stores: `models: ${store('models')}, metadata: { kind: 'metadata-store', path: 'metadata.db' }`,
  })
  const clientOf = (kind: string, of: string) =>
    load({
      root,
      leaf: pipeline('leaf', {
        stores: `a: { kind: '${kind}', of: '${of}', ${kind === 'store-client' ? "path: 'a'" : ''} }`,
      }),
    })
  await expect(clientOf('store-client', 'root/modles')).rejects.toThrow(
    /leaf\.stores\.a\.of: no node is called 'root\/modles'; did you mean 'models'\?/,
  )
  await expect(clientOf('store-client', 'root/metadata')).rejects.toThrow(
    /leaf\.stores\.a\.of: 'root\/metadata' is no store \(it is of kind metadata-store\); known are models/,
  )
  await expect(clientOf('metadata-client', 'root/models')).rejects.toThrow(
    /'root\/models' is no metadata store \(it is of kind filesystem-store\); known are metadata/,
  )
  expect(await clientOf('store-client', 'root/models')).toHaveLength(2)
  expect(await clientOf('metadata-client', 'root/metadata')).toHaveLength(2)
  expect(await clientOf('store-client', 'elsewhere/models')).toHaveLength(2)
})

test.each([
  ["'python3 train.py'", "exec: expected a program and its arguments, each for itself: exec: ['python3', 'train.py']"],
  ['[]', 'exec: is empty: name a program'],
  ["{ command: 'python3' }", 'exec: command: expected array, received string'],
  ["{ command: ['python3'], cwd: 3 }", 'exec: cwd: expected string, received number'],
])('exec: %s is told as what it was meant', async (exec, said) => {
  const one = load({ p: pipeline('p', { actions: `train: { kind: 'action', exec: ${exec}, steps: {} }` }) })
  await expect(one).rejects.toThrow(`p.actions.train.${said}`)
})

test.each([
  ["kind: 'action', steps: 5", 'train: expected a function, or its steps: { before, execute, … }'],
  ["kind: 'action', steps: { exeute: () => 0 }", "train.exeute: no field is called so; did you mean 'execute'?"],
  [
    "kind: 'action', timeout: '5s', steps: {}",
    "train.timeout: expected milliseconds, a whole number as 5000; received '5s'",
  ],
  ["kind: 'action', retries: 3, steps: {}", "train.retries: no field is called so; did you mean 'retry'?"],
  [
    "kind: 'action', quickly: true, steps: {}",
    'train.quickly: no field is called so; known are after, next, description, join, retry, timeout, concurrency, exec',
  ],
])('an action { %s } is told as it was written', async (action, said) => {
  await expect(load({ p: pipeline('p', { actions: `train: { ${action} }` }) })).rejects.toThrow(`p.actions.${said}`)
})

test('a pipeline without a function that gives its actions is told what is to stand there', () => {
  const wrong = () => define('p', {}, {} as never)
  expect(wrong).toThrow(/^pipeline\('p', …\): the third argument is a function that gives the actions: \(action\) => /)
})

test('mistakes are told at once, whichever of them would have to be mended to see the others', async () => {
  const stores = `inbox: { kind: 'filesystem-store', path: 'in', watch: false, settel: 1 }`
  const actions = `train: ${action("after: ['inbx'], retries: 3,")}`
  const loaded = load({
    p: pipeline('p', { stores, actions }),
    q: pipeline('q', { actions: `x: ${action("after: ['r/y'],")}` }),
    r: pipeline('r', { actions: `z: ${action()}` }),
  })
  const told = await loaded.catch((cause: Error) => cause.message)
  expect(told).toMatch(/ has 4 mistakes:/)
  for (const one of [
    "p.stores.inbox.settel: no field is called so; did you mean 'settle'?",
    "p.actions.train.retries: no field is called so; did you mean 'retry'?",
    "p.actions.train.after.0: no node is called 'inbx'; did you mean 'inbox'?",
    "q.actions.x.after.0: no node is called 'r/y'",
  ])
    expect(told).toContain(one)
})
