import { describe, expect, test } from 'vitest'
import type { Bus } from '#bus/bus'
import type { MetadataReader } from '#projections/viewer'
import { digestFor } from './story.ts'
import { told as toldTo } from './told.ts'

/** How a reader is reached that reads what a projection has folded: the projection itself, or whatever stands before it. */
export type Reach = (reader: MetadataReader, bus: Bus) => Promise<MetadataReader['ask']>

/** What everything must do from which the metadata of pipelines is read. A new one is ready when this passes, and not before. */
export const readsMetadata = (name: string, reach: Reach): void => {
  describe(name, () => {
    const told = (runs = 1) => toldTo(runs, reach)

    test('a run that succeeded is one row in the present, and three in its history', async () => {
      const { bus, list } = await told()
      expect(await list('runs')).toMatchObject([{ run: 'root/0', number: 0, state: 'succeeded', trigger: 'files' }])
      const planned = (await list('triggers'))[0]?.position
      expect(await list('runs', { at: planned })).toEqual([])
      expect(await list('runs', { at: `${bus.logId}.8` })).toMatchObject([
        { run: 'root/0', state: 'running', endedAt: null },
      ])
    })

    test('a node says whom it waits for, then that it is queued, then where it runs', async () => {
      const { bus, story, list, caughtUp } = await told()
      await story.drop('another.txt')
      await story.plan()
      await caughtUp()
      const about = async (node: string) => (await list('nodes', { run: 'root/1', node }))[0]
      expect(await about('haikus')).toMatchObject({ state: 'succeeded', reason: null })
      expect(await about('retraining')).toMatchObject({ state: 'queued', attempt: 1 })
      expect(await about('evaluation')).toMatchObject({ state: 'waiting', reason: 'waiting for root/retraining' })
      await story.start(1, 'root/retraining')
      await caughtUp()
      expect(await about('retraining')).toMatchObject({ state: 'running', host: 'host-root' })
      const before = `${bus.logId}.${await bus.head()}`
      await story.report(1, 'root/retraining', { outcome: 'errored', reason: 'out of memory' })
      await caughtUp()
      expect(await about('retraining')).toMatchObject({ state: 'errored', reason: 'out of memory' })
      expect(await about('evaluation')).toMatchObject({ state: 'skipped', reason: 'root/retraining did not succeed' })
      expect(await list('runs', { state: 'failed' })).toMatchObject([
        { run: 'root/1', failed: ['root/retraining'], reason: 'root/retraining: out of memory' },
      ])
      expect(await list('nodes', { run: 1, node: 'root/retraining', at: before })).toMatchObject([{ state: 'running' }])
    })

    test('a process that takes over supersedes the one before', async () => {
      const { story, list, caughtUp } = await told()
      await story.drop('b.txt')
      await story.plan()
      await story.start(1, 'root/retraining')
      const second = { part: 'root/retraining', attempt: 1, delivery: 2, instance: 'other' }
      await story.ask('run.start-node', 'root', '1', { ...second, host: 'spare' })
      await story.report(1, 'root/retraining')
      await caughtUp()
      const attempts = await list('attempts', { run: 1 })
      expect(attempts.map(({ host, outcome, reason }) => [host, outcome, reason])).toEqual([
        ['spare', 'running', null],
        ['host-root', 'superseded', 'spare took over from host-root'],
      ])
      expect(await list('ignored')).toMatchObject([{ run: 'root/1', reported: 'succeeded' }])
    })

    test('what is executed again within its attempt says why: its host was started again, or its process had gone', async () => {
      const { story, list, caughtUp } = await told()
      await story.drop('b.txt')
      await story.plan()
      const delivered = (delivery: number, instance: string) =>
        story.ask('run.start-node', 'root', '1', {
          ...{ part: 'root/retraining', attempt: 1, delivery, instance, host: 'host-root' },
        })
      await delivered(1, 'before')
      const again = { host: 'host-root', machine: 'm', pid: 2, version: '1', instance: 'after', nodes: [] }
      await story.fact('host.started', 'all', 'host-root', again)
      await delivered(2, 'after')
      await delivered(3, 'after')
      await caughtUp()
      expect((await list('attempts', { run: 1 })).map(({ delivery, reason }) => [delivery, reason])).toEqual([
        [3, null],
        [2, 'its process on host-root was killed, or was not heard of'],
        [1, 'host-root was started again'],
      ])
    })

    test('a file is fresh, then offered, then used', async () => {
      const { bus, story, list, caughtUp } = await told()
      const stateOf = async () => (await list('artifacts', { path: 'c.txt' }))[0]?.state
      await story.drop('c.txt')
      await caughtUp()
      expect(await stateOf()).toBe('fresh')
      await story.plan()
      await caughtUp()
      expect(await stateOf()).toBe('offered')
      const used = {
        store: 'root/haikus',
        path: 'c.txt',
        digest: digestFor('c.txt'),
        by: story.by(1, 'root/retraining'),
      }
      await story.fact('artifact.used', 'root', 'retraining', used)
      await caughtUp()
      expect(await stateOf()).toBe('used')
      expect((await list('history', { path: 'c.txt' })).map(({ what }) => what)).toEqual([
        'detected',
        'offered',
        'used',
      ])
      expect(await list('artifacts', { path: 'c.txt', at: `${bus.logId}.${(await bus.head()) - 1}` })).toMatchObject([
        { state: 'offered', run: 'root/1' },
      ])
    })

    test('a run is offered the newest bytes of each path, and none that are gone', async () => {
      const { story, list, caughtUp } = await told()
      await story.drop('twice.txt', 'first')
      await story.drop('twice.txt', 'second')
      await story.drop('lost.txt')
      await story.fact('artifact.gone', 'root', 'haikus', { store: 'root/haikus', path: 'lost.txt' })
      await story.plan()
      await caughtUp()
      const offered = await list('history', { run: 'root/1', what: 'offered' })
      expect(offered).toMatchObject([{ path: 'twice.txt', digest: digestFor('second') }])
      expect(await list('artifacts', { path: 'lost.txt' })).toMatchObject([{ state: 'gone' }])
    })

    test('every transfer is in the history of both ends', async () => {
      const { list } = await told()
      const happened = async (node: string) => (await list('history', { node })).map(({ what, path }) => [what, path])
      expect(await happened('root/models')).toEqual([
        ['produced', 'model0.txt'],
        ['tagged', 'model0.txt'],
        ['downloaded', 'model0.txt'],
        ['uploaded', 'plot0.txt'],
      ])
      expect(await happened('models_rpc')).toEqual([
        ['downloaded', 'model0.txt'],
        ['uploaded', 'plot0.txt'],
      ])
      expect(await list('artifact-tags')).toMatchObject([{ key: 'model_type', value: 'LLM', path: 'model0.txt' }])
    })

    test('why walks back to the file that was dropped, through another machine, and no further than its own run', async () => {
      const { one } = await told(3)
      const reached = async (said: object) => {
        const { things } = (await one('why', said)) as { things: { path?: string; part?: string; run?: string }[] }
        return things.map(({ path, part, run }) => path ?? `${part} in ${run}`).toSorted()
      }
      const plot = ['haiku1.txt', 'leaf/plotting in root/1', 'plot1.txt', 'root/retraining in root/1']
      expect(await reached({ path: 'plot1.txt' })).toEqual(plot)
      const copy = ['haiku1.txt', 'leaf/evaluation in root/1', 'model1.txt', 'model1.txt', 'root/retraining in root/1']
      expect(await reached({ store: 'leaf/models_rpc', path: 'model1.txt' })).toEqual(copy)
      await expect(one('why', { path: 'nothing.txt' })).rejects.toMatchObject({ code: 'query.nothing' })
    })

    test('a file that no action opened is found all the same: it was offered', async () => {
      const { story, one, caughtUp } = await told()
      await story.drop('unopened.txt')
      await story.plan()
      await story.start(1, 'root/retraining')
      const model = { store: 'root/models', path: 'm.txt', digest: digestFor('m'), size: 1 }
      await story.fact('artifact.saved', 'root', 'models', { ...model, by: story.by(1, 'root/retraining') })
      await caughtUp()
      const { things } = (await one('why', { path: 'm.txt' })) as { things: { path?: string }[] }
      expect(things.map(({ path }) => path)).toContain('unopened.txt')
    })

    test('used-by walks forward', async () => {
      const { one } = await told(2)
      const { things } = (await one('used-by', { path: 'haiku0.txt' })) as {
        things: { path?: string; part?: string }[]
      }
      const parts = ['root/retraining', 'leaf/evaluation']
      expect(things.map(({ path, part }) => path ?? part)).toEqual(
        expect.arrayContaining(['haiku0.txt', 'model0.txt', ...parts]),
      )
      expect(things.filter(({ path }) => path === 'model1.txt')).toEqual([])
    })

    test('the graph joins all pipelines and says what each node waits for', async () => {
      const { story, one, caughtUp } = await told()
      type Shown = { nodes: { part: string; state: string; reason: string | null }[]; edges: { kind: string }[] }
      const stands = async (part: string) => ((await one('graph')) as Shown).nodes.find((node) => node.part === part)
      expect(await stands('root/haikus')).toMatchObject({ state: 'waiting', reason: 'waiting for files', fresh: 0 })
      expect(await stands('leaf/plotting')).toMatchObject({ state: 'succeeded', run: 'root/0', host: 'host-leaf' })
      expect(await stands('leaf/models_rpc')).toMatchObject({ kind: 'store-client', of: 'root/models' })
      await story.drop('d.txt')
      await story.plan()
      await story.drop('e.txt')
      await caughtUp()
      expect(await stands('root/haikus')).toMatchObject({ reason: '1 file waits for run root/1 to end', fresh: 1 })
      expect(await stands('leaf/plotting')).toMatchObject({ state: 'waiting', reason: 'waiting for root/retraining' })
      expect(((await one('graph')) as Shown).edges.filter(({ kind }) => kind === 'stands-for')).toHaveLength(1)
    })

    test('a run whose params are long fits a message all the same', async () => {
      const { story, one, caughtUp } = await told()
      for (let key = 0; key < 5; key++)
        await story.fact('tracking.param-logged', 'root', 'script', {
          key: `k${key}`,
          value: 'x'.repeat(200_000),
          run: 'root/0',
        })
      await caughtUp()
      const whole = await one('run', { pipeline: 'root', run: 0 })
      expect(whole).toMatchObject({ params: [{ key: 'k0' }, { key: 'k1' }, { key: 'k2' }], more: ['params'] })
      expect(JSON.stringify(whole).length).toBeLessThan(900_000)
    })
  })
}
