import { connect } from 'millrace'
import { expect, test } from 'vitest'
import { rootGraph } from '../projections/story.ts'
import { siteOf } from './site.ts'

test('runs are listed, filtered and shown, by their name or by their number alone', async () => {
  const { client, begun } = await siteOf({ runs: 2 })
  await begun(2)
  const { position } = await client.runs.list()
  expect(position).toMatch(/\.\d+$/)
  const numbers = async (filters: object) => (await client.runs.list(filters)).items.map(({ number }) => number)
  const run = await client.runs.get(1)
  expect(run).toMatchObject({ run: 'root/1', state: 'succeeded', nodes: expect.any(Array) })
  expect(await client.runs.get('root/1')).toEqual(run)
  expect(await numbers({ state: 'succeeded' })).toEqual([1, 0])
  expect(await numbers({ trigger: 'files', limit: 2 })).toEqual([2, 1])
  expect(await numbers({ trigger: 'metric' })).toEqual([])
  expect(await numbers({ to: '2001-01-01' })).toEqual([])
  expect((await client.runs.get(0, { at: (await client.runs.get(0)).nodes[0]?.since })).state).toBe('running')
})

test('a run that there is not, and a word that names none, are told apart', async () => {
  const { client } = await siteOf()
  await expect(client.runs.get('root/7')).rejects.toMatchObject({ code: 'query.nothing' })
  await expect(client.runs.get('seven')).rejects.toMatchObject({ code: 'contract.run' })
  await expect(client.runs.get('rot/0')).rejects.toThrow("Nobody has defined a pipeline rot; did you mean 'root'?")
  await expect(client.runs.cancel('rot/0')).rejects.toThrow("did you mean 'root'?")
  await expect(client.runs.wait('root/7')).rejects.toMatchObject({ code: 'query.nothing' })
  const logs = client.runs.logs('root/7')[Symbol.asyncIterator]()
  await expect(logs.next()).rejects.toMatchObject({ code: 'query.nothing' })
})

test('an option that is misspelt is refused, with the one that was meant, and nothing is recorded', async () => {
  const { client, bus } = await siteOf()
  const before = await bus.head()
  const wrong = (options: object) => options as never
  const { runs, artifacts, metrics, params, tags, dead } = client
  const refused: readonly (readonly [() => Promise<unknown>, string])[] = [
    [() => runs.start(wrong({ mesage: 'typo' })), "runs.start has no option 'mesage'; did you mean 'message'?"],
    [() => runs.rerun(0, wrong({ form: 'failed' })), "runs.rerun has no option 'form'; did you mean 'from'?"],
    [
      () => runs.preview(0, wrong({ definiton: 'old' })),
      "runs.preview has no option 'definiton'; did you mean 'definition'?",
    ],
    [() => runs.wait(0, wrong({ singal: 1 })), "runs.wait has no option 'singal'; did you mean 'signal'?"],
    [() => Array.fromAsync(runs.logs(0, wrong({ tial: 1 }))), "runs.logs has no option 'tial'; did you mean 'tail'?"],
    [() => artifacts.get('models', 'm', 'f', wrong({ overwrit: true })), "artifacts.get has no option 'overwrit'"],
    [
      () => artifacts.put('models', 'm', 'x', wrong({ tag: {} })),
      "artifacts.put has no option 'tag'; did you mean 'tags'?",
    ],
    [() => metrics.log('a', 1, wrong({ steps: 1 })), "metrics.log has no option 'steps'; did you mean 'step'?"],
    [() => params.log('a', 1, wrong({ runs: 0 })), "params.log has no option 'runs'; did you mean 'run'?"],
    [() => tags.log('a', 'b', wrong({ rnu: 0 })), "tags.log has no option 'rnu'; did you mean 'run'?"],
    [() => dead.drop(wrong({ all: true, dryrun: true })), "dead has no option 'dryrun'; did you mean 'dryRun'?"],
    [() => client.status(wrong({ pipeline: 'root' })), "status has no option 'pipeline'; known are metadata"],
    [() => connect(wrong({ nats: 'nats://127.0.0.1:1' })), "connect has no option 'nats'"],
    // What is handed on is held against the contract of what it asks for.
    [() => runs.list(wrong({ stat: 'failed' })), "stat: no field is called so; did you mean 'state'?"],
    [() => runs.cancel(0, wrong({ reson: 'typo' })), "reson: no field is called so; did you mean 'reason'?"],
  ]
  for (const [asking, said] of refused)
    await expect(asking()).rejects.toMatchObject({ message: expect.stringContaining(said) })
  await expect(runs.start(wrong({ mesage: 'typo' }))).rejects.toMatchObject({ code: 'contract.option' })
  expect(await bus.head()).toBe(before)
})

test('a run is paused, resumed and cancelled, and one that has ended says so', async () => {
  const { client, begun } = await siteOf({ runs: 0 })
  const run = await begun(0)
  const paused = await client.runs.pause(run, { reason: 'maintenance' })
  const after = paused.accepted ? paused.position : undefined
  expect(await client.runs.get(run, { after })).toMatchObject({ state: 'paused', reason: 'maintenance' })
  expect(await client.runs.resume(run)).toMatchObject({ accepted: true, events: ['run.resumed'] })
  expect(await client.runs.cancel(run, { reason: 'enough' })).toMatchObject({ accepted: true })
  expect(await client.runs.cancel(run)).toMatchObject({ accepted: true, events: [] })
})

test('a run that was asked for has its number once it is planned, and none while it is queued or was dropped', async () => {
  const { client, bus, story } = await siteOf({ runs: 0 })
  /** What the host of the pipeline does with a request. */
  const answering = (answer: (request: string) => Promise<unknown>) => {
    const stop = new AbortController()
    const look = async ({
      events,
    }: {
      readonly events: readonly { readonly type: string; readonly data: unknown }[]
    }) => {
      const asked = events.find(({ type }) => type === 'pipeline.run-requested')
      if (!asked) return
      stop.abort()
      await answer((asked.data as { readonly request: string }).request)
    }
    return bus.head().then((sequence) => bus.follow({ logId: bus.logId, sequence }, look, stop.signal))
  }
  const planned = answering((request) =>
    story.ask('pipeline.plan', 'root', 'self', {
      trigger: { kind: 'request', message: 'please', request },
      offers: [],
      graph: '0'.repeat(64),
      nodes: [],
    }),
  )
  const first = await client.runs.start({ pipeline: 'root', message: 'please' })
  expect(first).toMatchObject({ accepted: true, run: 'root/0', request: expect.stringMatching(/^[\da-f-]{36}$/) })
  await planned
  const dropped = answering((request) =>
    story.ask('pipeline.drop', 'root', 'self', { request, reason: 'nothing to repeat' }),
  )
  expect(await client.runs.rerun('root/0', { from: 'failed' })).toMatchObject({ dropped: 'nothing to repeat' })
  await dropped
  const third = await client.runs.start({ signal: AbortSignal.abort() })
  expect(third).not.toHaveProperty('run')
  const queued = await client.pipelines.requests('root', {
    state: 'queued',
    after: third.accepted ? third.position : '',
  })
  expect(queued.items).toMatchObject([{ request: third.accepted && third.request, principal: 'ann' }])
  expect(await client.runs.rerun('root/9')).toMatchObject({ accepted: false, detail: 'root has no run 9' })
})

test('a repetition is previewed with short names of nodes, and an unknown one is told with those there are', async () => {
  const { client, hub, signal } = await siteOf()
  const stored = async () => ({ found: [null] })
  void hub.connect('store').serve('services.root.models.*.*', stored, signal)
  const preview = await client.runs.preview(0, { from: ['plotting'] })
  expect(preview).toMatchObject({
    possible: true,
    nodes: expect.arrayContaining([
      {
        part: 'leaf/plotting',
        kind: 'action',
        reused: null,
        reason: expect.stringMatching(/starts from it|executed again/),
      },
    ]),
  })
  await expect(client.runs.preview(0, { from: ['ploting'] })).rejects.toThrow(
    /There is no node ploting; did you mean 'plotting'/,
  )
})

test('whoever waits for a run has it once it has ended, whenever that is', async () => {
  const { client, begun, story } = await siteOf({ runs: 1 })
  expect(await client.runs.wait('root/0')).toMatchObject({ state: 'succeeded' })
  const run = await begun(1)
  const waiting = client.runs.wait(run)
  await story.report(1, 'root/retraining', { outcome: 'failed', reason: 'it said no' })
  expect(await waiting).toMatchObject({ run, state: 'failed', failed: ['root/retraining'] })
  await story.release(1, 'failed')
  const stop = new AbortController()
  const inVain = client.runs.wait(await begun(2), { signal: stop.signal })
  stop.abort(new Error('no longer'))
  await expect(inVain).rejects.toThrow('no longer')
})

test('with several pipelines that keep metadata, lists are of all of them, and a number alone is not enough', async () => {
  const other = { ...rootGraph, pipeline: 'other' }
  const { client } = await siteOf({ graphs: [rootGraph, other] })
  await expect(client.runs.get(0)).rejects.toMatchObject({
    code: 'config.several',
    message: expect.stringMatching(
      /several keep metadata: other, root\. Name it with --pipeline other; a run, with other\/<number>$/,
    ),
  })
  expect(await client.runs.get('root/0')).toMatchObject({ run: 'root/0' })
  expect((await client.runs.list()).items).toMatchObject([{ run: 'root/0' }])
  expect((await client.runs.list({ pipeline: 'other' })).items).toEqual([])
  await client.metrics.log('loss', 0.5, { run: 'root/0' })
  expect((await client.metrics.list()).items).toContainEqual(expect.objectContaining({ key: 'loss', run: 'root/0' }))
  expect((await client.pipelines.requests()).items).toEqual([])
})

test('the package gives the client beside the words of configs', async () => {
  await expect(connect({ url: 'nats://127.0.0.1:1' })).rejects.toMatchObject({ code: 'bus.unreachable' })
})
