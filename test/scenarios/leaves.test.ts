import { expect } from 'vitest'
import { scenario } from './stage.ts'

type Rows = { readonly items: readonly Readonly<Record<string, unknown>>[] }

scenario(
  'action-in-leaf',
  ['root', 'leaf'],
  'two evaluations on the leaf log losses, read all metrics, and know the run',
  async (s) => {
    await s.begin()
    for (let run = 0; run < 2; run++) {
      s.drop('root', `data/file${run}.txt`, 'x')
      if (run === 1) await s.midway()
      await s.ended(run)
    }
    const messages = async (node: string) =>
      (await s.ask<Rows>('nodes', { node: `leaf_pipeline/${node}`, order: 'asc' })).items.map(({ message }) => message)
    expect(await messages('shakespeare_eval')).toEqual(['run 0 sees 1', 'run 1 sees 2'])
    expect(await messages('haiku_eval')).toEqual(['run 0 sees 1', 'run 1 sees 2'])
    const { items } = await s.ask<Rows>('metrics')
    expect(items.map(({ key, value }) => `${key} ${value}`).toSorted()).toEqual([
      'haiku_loss 0.5',
      'haiku_loss 1.5',
      'shakespeare_loss 0.25',
      'shakespeare_loss 1.25',
    ])
  },
)

scenario('many-leaves', ['root', 'one', 'two'], 'a run ends after the nodes of both leaves', async (s) => {
  await s.begin()
  s.drop('root', 'data/a.txt', 'a')
  await s.midway()
  expect((await s.ended(0)).type).toBe('run.succeeded')
  const { items } = await s.ask<Rows>('nodes', { run: 0 })
  expect(
    items
      .filter(({ kind }) => kind === 'action')
      .map(({ part, state }) => `${part} ${state}`)
      .toSorted(),
  ).toEqual(['one_pipeline/evaluate succeeded', 'root_pipeline/train succeeded', 'two_pipeline/evaluate succeeded'])
})

scenario(
  'chain',
  ['root', 'leaf1', 'leaf2'],
  'of three in a chain the states of the last are seen at the first',
  async (s) => {
    await s.begin()
    s.drop('root', 'data/a.txt', 'a')
    await s.midway()
    expect((await s.ended(0)).type).toBe('run.succeeded')
    const { nodes } = await s.http<{ nodes: { part: string; state: string; run: string }[] }>(
      `/api/graph?after=${s.bus.logId}.${await s.bus.head()}`,
    )
    expect(nodes.find(({ part }) => part === 'leaf2_pipeline/third')).toMatchObject({
      state: 'succeeded',
      run: 'root_pipeline/0',
    })
  },
)

scenario('feedback', ['root', 'leaf'], 'a pipeline feeds another, which feeds it back', async (s) => {
  await s.begin()
  for (let run = 0; run < 2; run++) {
    s.drop('root', `data/file${run}.txt`, 'x')
    if (run === 1) await s.midway()
    expect((await s.ended(run)).type).toBe('run.succeeded')
  }
  expect([0, 1].map((run) => s.read('root', `results/report${run}.txt`))).toEqual(['scored 1', 'scored 2'])
})

scenario('resource-in-leaf', ['root', 'leaf'], 'a folder on the leaf starts a run that is kept at root', async (s) => {
  await s.begin()
  s.drop('leaf', 'data/a.txt', 'a')
  await s.midway()
  expect((await s.ended(0)).type).toBe('run.succeeded')
  const run = await s.ask<{ readonly trigger: string; readonly message: string; readonly nodes: Rows['items'] }>(
    'run',
    { run: 0 },
  )
  expect(run).toMatchObject({ trigger: 'files', message: 'leaf_pipeline/data_store: a.txt' })
  expect(run.nodes.find(({ part }) => part === 'leaf_pipeline/leaf_eval')).toMatchObject({ message: 'a' })
})
