import { expect } from 'vitest'
import { scenario } from './stage.ts'

type Rows = { readonly items: readonly Readonly<Record<string, unknown>>[] }

scenario(
  'simplest',
  ['root', 'leaf'],
  'each file dropped when idle is a run, which ends after the node of the leaf',
  async (s) => {
    await s.begin()
    for (let run = 0; run < 3; run++) {
      s.drop('root', `data/file${run}.txt`, `file ${run}`)
      if (run === 1) await s.midway()
      expect((await s.ended(run)).type).toBe('run.succeeded')
    }
    const events = await s.events()
    for (let run = 0; run < 3; run++) {
      const types = events.filter(({ address }) => address.aggregate === 'run' && address.key === `${run}`)
      const leaf = types.findIndex(
        ({ type, data }) =>
          type === 'run.node-succeeded' && (data as { part: string }).part === 'leaf_pipeline/shakespeare_eval',
      )
      expect(leaf).toBeGreaterThan(0)
      expect(types.findIndex(({ type }) => type === 'run.succeeded')).toBeGreaterThan(leaf)
    }
    expect(events.filter(({ type }) => type === 'pipeline.run-planned')).toHaveLength(3)
    const { items } = await s.ask<Rows>('artifacts', { node: 'data_store' })
    expect(items.map(({ path, state, run }) => [path, state, run])).toEqual(
      [0, 1, 2].map((run) => [`file${run}.txt`, 'used', `root_pipeline/${run}`]),
    )
  },
)

scenario(
  'with-data',
  ['root', 'leaf'],
  "a metric of the leaf's node is read back through root's metadata store",
  async (s) => {
    await s.begin()
    for (let run = 0; run < 3; run++) {
      s.drop('root', `data/file${run}.txt`, 'x')
      if (run === 1) await s.midway()
      await s.ended(run)
    }
    const { items } = await s.ask<Rows>('nodes', { node: 'leaf_pipeline/shakespeare_eval', order: 'asc' })
    expect(items.map(({ message }) => message)).toEqual(['read back 0', 'read back 0.1', 'read back 0.2'])
    const metrics = await s.ask<Rows>('metrics', { key: 'loss' })
    expect(metrics.items.map(({ value, run, part }) => [value, run, part])).toEqual(
      [0, 0.1, 0.2].map((value, run) => [value, `root_pipeline/${run}`, 'leaf_pipeline/shakespeare_eval']),
    )
  },
)

scenario('states-of-a-file', ['root'], 'a file is fresh, then offered, then used', async (s) => {
  await s.begin()
  const state = async () => {
    const { items } = await s.http<Rows>(
      `/api/artifacts?node=data_store&path=one.txt&after=${s.bus.logId}.${await s.bus.head()}`,
    )
    return items[0]?.state
  }
  s.drop('root', 'data/one.txt', 'one')
  await s.until('fresh', async () => (await state()) === 'fresh')
  await s.until('the reason', async () => {
    const { items } = await s.http<Rows>('/api/waits')
    return items.some(({ reason }) => reason === '1 of 2 files')
  })
  await s.midway('root')
  s.drop('root', 'data/two.txt', 'two')
  await s.until('offered', async () => (await state()) === 'offered')
  s.drop('root', 'gate/open.txt', 'now')
  expect((await s.ended(0)).type).toBe('run.succeeded')
  expect(await state()).toBe('used')
  const { items } = await s.ask<Rows>('history', { node: 'data_store', path: 'one.txt' })
  expect(items.map(({ what }) => what)).toEqual(['detected', 'offered', 'used'])
})

scenario('previous-run', ['root'], 'an action loads what the former run saved, and compares', async (s) => {
  await s.begin()
  for (const [run, text] of ['aa', 'aaaa', 'a'].entries()) {
    s.drop('root', `data/file${run}.txt`, text)
    if (run === 1) await s.midway('root')
    await s.ended(run)
  }
  const { items } = await s.ask<Rows>('nodes', { node: 'root_pipeline/train', order: 'asc' })
  expect(items.map(({ message }) => message)).toEqual(['the first', 'better', 'no better'])
  expect([0, 1, 2].map((run) => s.read('root', `models/model${run}.txt`))).toEqual(['2', '4', '1'])
})
