import { cpSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { readModelCard } from '#agents/pipelines/model-card'
import { connect } from '#client/connect'
import type { Recorded } from '#contracts/envelope'
import { freePort, millrace, run, stop, temporaryFolders } from '../processes.ts'

const root = join(import.meta.dirname, '../..')
const folder = temporaryFolders()()
const epochs = 400

/** The example as a user has it: in a folder of its own, with the package beside it. */
const install = (): void => {
  cpSync(join(root, 'examples/python-action'), folder, { recursive: true, filter: (path) => !/-artifacts/.test(path) })
  mkdirSync(join(folder, 'node_modules'))
  symlinkSync(root, join(folder, 'node_modules/millrace'))
}

test('a Python action trains: its numbers arrive while it does, and its model, card and words are kept', async () => {
  install()
  const [port, natsPort] = [await freePort(2), await freePort()].map(String) as [string, string]
  const url = `nats://127.0.0.1:${natsPort}`
  const places = ['--state', join(folder, '.millrace'), '--port', port, '--nats-port', natsPort]
  const up = millrace(['up', join(folder, 'python-action.ts'), ...places], { EPOCHS: String(epochs) })
  await up.says(/Ctrl-C stops/)
  const client = await connect({ url, principal: 'judge' })
  onTestFinished(() => client.close())

  const { promise: measured, resolve: measure } = Promise.withResolvers<Recorded>()
  const watching = new AbortController()
  const watched = client.follow((event) => {
    if (event.type === 'tracking.metric-logged') measure(event)
  }, watching.signal)
  const drop = (...more: readonly string[]) => run('python3', [join(folder, 'create_data.py'), ...more]).ended
  expect(await drop()).toBe(0)

  // Some of its numbers can be read, and it goes on.
  const { position: after } = await measured
  watching.abort()
  await watched
  const of = { run: 'python_action/0', limit: 1_000 }
  const soon = await client.metrics.list({ ...of, key: 'loss', after })
  expect(soon.items.length).toBeGreaterThan(0)
  expect(soon.items.length).toBeLessThan(epochs)
  const types: string[] = []
  await client.follow(({ type }) => void types.push(type), AbortSignal.timeout(10_000), undefined, { once: true })
  expect(types).not.toContain('run.node-succeeded')

  await up.says(/run python_action\/0 succeeded/)
  const one = await client.runs.wait(of.run)
  expect(one.state).toBe('succeeded')
  const { nodes } = await client.runs.get(of.run)
  const messageOf = (node: string) => nodes.find(({ part }) => part === `python_action/${node}`)?.message
  expect(messageOf('train')).toMatch(/^accuracy 0\.\d+ on 320 rows after 400 epochs$/)
  expect(messageOf('evaluate')).toMatch(/^accuracy \S+ on 80 held-out rows$/)
  const [loss, accuracy, heldOut] = await Promise.all(
    ['loss', 'accuracy', 'held_out_accuracy'].map(async (key) => (await client.metrics.list({ ...of, key })).items),
  )
  for (const metric of [loss, accuracy])
    expect(metric?.map(({ step }) => step)).toEqual(Array.from({ length: epochs }, (_, epoch) => epoch + 1))
  expect(Number(loss?.at(-1)?.value)).toBeLessThan(Number(loss?.[0]?.value) / 2)
  expect(accuracy?.at(-1)?.value).toBeGreaterThan(0.85)
  expect(heldOut?.map(({ value }) => Number(value) > 0.8)).toEqual([true])
  const { items: params } = await client.params.list(of)
  expect(params.map(({ key, value }) => [key, value])).toContainEqual(['epochs', epochs])

  const read = (path: string) => readFileSync(join(folder, 'python-artifacts/models', path), 'utf8')
  expect(JSON.parse(read('model0.json'))).toMatchObject({ in: { length: 8 }, out: { length: 8 } })
  const card = readModelCard(read('model0.json.card.md'))
  expect(card.metadata).toMatchObject({ datasets: ['rings0.csv'], metrics: ['accuracy'] })
  const model = { store: 'python_action/models', path: 'model0.json' }
  const { items: tags } = await client.artifacts.tags(model)
  expect(Object.fromEntries(tags.map(({ key, value }) => [key, value]))).toMatchObject({
    kind: 'two-layer network',
    card: 'model0.json.card.md',
    held_out_accuracy: expect.stringMatching(/^\d\.\d{3}$/),
  })
  const { things } = await client.artifacts.usedBy(model)
  expect(things).toContainEqual(expect.objectContaining({ kind: 'execution', part: 'python_action/evaluate' }))
  const logs = millrace(['runs', 'logs', '0', '--nats', url])
  expect(await logs.ended).toBe(0)
  expect(logs.output()).toMatch(/training on 320 rows of 1 file\(s\)/)
  expect(logs.output()).toMatch(/400 of 400/)

  expect(await drop('--nonsense')).toBe(0)
  await up.says(/run python_action\/1 failed/)
  await client.runs.wait('python_action/1')
  const nonsense = await client.runs.get('python_action/1')
  expect(nonsense).toMatchObject({ state: 'failed', failed: ['python_action/evaluate'] })
  const evaluated = nonsense.nodes.find(({ part }) => part === 'python_action/evaluate')
  expect(evaluated?.state).toBe('failed')
  expect(evaluated?.reason).toMatch(/^accuracy 0\.\d+ on 80 held-out rows is worse than 0\.8$/)
  expect(await stop(up)).toBe(0)
}, 120_000)
