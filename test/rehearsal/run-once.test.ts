import { existsSync } from 'node:fs'
import { filesystemStore, metadataClient, metadataStore, modelRegistry, pipeline, storeClient } from 'millrace'
import { runOnce } from 'millrace/testing'
import { expect, test } from 'vitest'
import type { StoreHandle } from '#agents/pipelines/handles'

const root = pipeline(
  'root',
  {
    metadata: metadataStore({ path: './metadata.db' }),
    haikus: filesystemStore({
      path: './haikus',
      watch: true,
      trigger: ({ fresh }) => fresh.length >= 2 || `${fresh.length} of 2 files`,
    }),
    models: modelRegistry({ path: './models' }),
  },
  (action) => ({
    train: action(
      { after: ['haikus', 'models'], next: ['leaf/evaluate'], retry: { times: 2, delay: 60_000 } },
      async ({ run, stores, log, progress }) => {
        const texts = await Promise.all(run.inputs.haikus.map((haiku) => haiku.text()))
        if (run.attempt === 1) throw new Error('the first attempt breaks')
        log.info(`trained on ${texts.length}`)
        progress(1, 1)
        await stores.metadata.logMetric('loss', 0.5, { step: 1 })
        await stores.metadata.logParam('rate', { of: [1] })
        await stores.metadata.tag('kind', 'test')
        const former = await stores.metadata.metrics({ key: 'loss' })
        await stores.models.save(`model${run.number}.txt`, `${texts.join(' ')}, ${former.length}`, { tags: { a: 'b' } })
        return 'well trained'
      },
    ),
    report: action({ after: ['train'], exec: ['sh', '-c', `echo words; echo '{"millrace":"failed","reason":"no"}'`] }),
    publish: action({ after: ['report'] }, () => undefined),
  }),
)

const leaf = pipeline(
  'leaf',
  {
    metadata: metadataClient<typeof root>('root/metadata'),
    models: storeClient<typeof root>('root/models', { path: './models' }),
  },
  (action) => ({
    evaluate: action({}, async ({ stores }) => {
      const { number } = await stores.metadata.run()
      const model = await stores.models.download(`model${number}.txt`)
      await stores.models.upload('score.txt', `${(await model.text()).length}`)
    }),
  }),
)

/** As somebody writes it who does not care where the store is. */
const readAndTag = async (store: Pick<StoreHandle, 'list' | 'open' | 'tag'>): Promise<string> => {
  const [first] = await store.list()
  const { path, text } = await store.open(first?.path ?? '')
  await store.tag(path, { stage: 'good' })
  return `${path}: ${await text()}`
}

const two = { haikus: { 'a.txt': 'one', 'b/c d.txt': new Uint8Array([116, 119, 111]) } }

test('a pipeline runs once without a bus: with its files, steps, retries, transfers and what it logs', async () => {
  const began = performance.now()
  const run = await runOnce([root, leaf], { files: two })
  expect(performance.now() - began).toBeLessThan(5_000)
  expect(run.outcome).toBe('failed')
  expect(run.node('train')).toEqual({ state: 'succeeded', attempts: 2, message: 'well trained' })
  expect(run.node('report')).toEqual({ state: 'failed', attempts: 1, reason: 'no' })
  expect(run.node('publish')).toMatchObject({ state: 'skipped', reason: 'root/report did not succeed' })
  expect(run.node('leaf/evaluate').state).toBe('succeeded')
  expect(run.files('models')).toEqual({ 'model0.txt': 'one two, 1', 'score.txt': '10' })
  expect(run.files('leaf/models')).toMatchObject({ 'model0.txt': 'one two, 1' })
  expect(run.tagsOf('models', 'model0.txt')).toEqual({ a: 'b' })
  expect(run.metrics).toEqual([{ key: 'loss', value: 0.5, step: 1, node: 'root/train' }])
  expect([run.params, run.tags]).toEqual([{ rate: { of: [1] } }, { kind: 'test' }])
  expect(run.used).toEqual(expect.arrayContaining([{ store: 'root/haikus', path: 'b/c d.txt', node: 'root/train' }]))
  expect(run.log.map(({ node, text }) => `${node}: ${text}`)).toEqual(
    expect.arrayContaining(['root/train: trained on 2', 'root/report: words']),
  )
  expect(existsSync('./models')).toBe(false)
})

test('a run that does not start says why', async () => {
  const run = await runOnce(root, { files: { haikus: { 'a.txt': 'one' } } })
  expect(run).toMatchObject({ outcome: 'not started', waits: { 'root/haikus': '1 of 2 files' } })
  expect(await runOnce(root)).toMatchObject({ outcome: 'not started', waits: { 'root/haikus': 'no file has arrived' } })
})

test('a pipeline whose clients stand for stores of others runs with what is put there', async () => {
  const files = { 'root/models': { 'model0.txt': 'from elsewhere' } }
  const run = await runOnce(leaf, { files })
  expect(run.outcome).toBe('succeeded')
  expect(run.files('root/models')).toEqual({ 'model0.txt': 'from elsewhere', 'score.txt': '14' })
})

test('a function reads and tags what lies in a store of its own pipeline and in that of another alike', async () => {
  const own = pipeline('own', { models: filesystemStore({ path: './models' }) }, (action) => ({
    reads: action({}, ({ stores }) => readAndTag(stores.models)),
  }))
  const other = pipeline(
    'other',
    { models: storeClient<typeof own>('own/models', { path: './copies' }) },
    (action) => ({ reads: action({}, ({ stores }) => readAndTag(stores.models)) }),
  )
  for (const one of [own, other]) {
    const run = await runOnce(one, { files: { 'own/models': { m: 'weights' } } })
    expect(run.node('reads')).toMatchObject({ state: 'succeeded', message: 'm: weights' })
    expect(run.tagsOf('own/models', 'm')).toEqual({ stage: 'good' })
    expect(run.used).toMatchObject([{ path: 'm' }])
  }
})

test('what takes too long is stopped, and tried as often as it may be', async () => {
  let stopped = 0
  const slow = pipeline('slow', {}, (action) => ({
    waits: action({ timeout: 30, retry: 1 }, ({ signal }) => {
      signal.addEventListener('abort', () => stopped++)
      return new Promise(() => undefined)
    }),
  }))
  const run = await runOnce(slow)
  expect(run.node('waits')).toEqual({
    state: 'errored',
    attempts: 2,
    reason: 'It took longer than its timeout of 0.03 s',
  })
  expect(stopped).toBe(2)
})

test('what is wrong with a pipeline, with files or with a name is told', async () => {
  const wrong = pipeline('wrong', {}, (action) => ({ a: action({ after: ['nowhere'] }, () => undefined) }))
  await expect(runOnce(wrong)).rejects.toThrow(/wrong\.actions\.a\.after\.0: no node is called 'nowhere'/)
  await expect(runOnce(root, { files: { haiku: {} } })).rejects.toThrow(
    /files\.haiku: no store is called so; there are root\/haikus/,
  )
  await expect(runOnce(root, { files: { haikus: { '../x': '' } } })).rejects.toThrow(/not a path inside the store/)
  const run = await runOnce(leaf, { files: { 'root/models': { 'model0.txt': 'x' } } })
  expect(() => run.node('evalute')).toThrow(/No node is called evalute; there are leaf\/evaluate/)
})

test('what a run logs through a client of another pipeline’s metadata is of that one, and read there', async () => {
  const promoter = pipeline('promoter', { meta: metadataStore({ path: './promoter.db' }) }, () => ({}))
  const trainer = pipeline(
    'trainer',
    { promoter: metadataClient<typeof promoter>('promoter/meta'), meta: metadataStore({ path: './trainer.db' }) },
    (action) => ({
      fits: action({}, async ({ stores }) => {
        await stores.meta.logMetric('loss', 0.1)
        await stores.promoter.logMetric('accuracy', 0.9)
        await stores.promoter.logParam('rate', 1)
        await stores.meta.tag('kind', 'test')
        const read = async ({ metrics }: typeof stores.meta) => (await metrics()).map(({ key, run }) => [key, run])
        return JSON.stringify([await read(stores.meta), await read(stores.promoter)])
      }),
      reports: action({ exec: ['echo', '{"millrace":"metric","key":"size","value":7}'] }),
    }),
  )
  const run = await runOnce(trainer)
  expect(run.node('fits').message).toBe('[[["loss","trainer/0"]],[["accuracy",null]]]')
  expect(run.metrics.map(({ key, value, node }) => [key, value, node])).toEqual([
    ['loss', 0.1, 'trainer/fits'],
    ['size', 7, 'trainer/reports'],
  ])
  expect([run.params, run.tags]).toEqual([{}, { kind: 'test' }])
  expect(run.loggedOf).toEqual({
    promoter: { metrics: [{ key: 'accuracy', value: 0.9, node: 'trainer/fits' }], params: { rate: 1 }, tags: {} },
  })
})

test('a node’s run is this one, where nothing is reused; a node that is none is told', async () => {
  const asking = pipeline('asking', {}, (action) => ({
    train: action({}, () => undefined),
    report: action({ after: ['train'] }, ({ run }) => {
      expect([run.numberOf('train'), run.numberOf('elsewhere/train')]).toEqual([run.number, run.number])
      expect(() => run.numberOf('trian')).toThrow(/^asking has no action trian; did you mean 'train'\?/)
    }),
  }))
  expect((await runOnce(asking)).node('report')).toMatchObject({ state: 'succeeded' })
})
