import { expect } from 'vitest'
import { postFact } from '#bus/post'
import { scenario } from './stage.ts'

type Rows = { readonly items: readonly Readonly<Record<string, unknown>>[] }

scenario(
  'metric-trigger',
  ['root'],
  'of ten numbers that a script logs, five start a run each, with its message',
  async (s) => {
    await s.begin()
    for (let n = 0; n < 10; n++) {
      const data = { key: 'percent_accuracy', value: n / 10 }
      await postFact(s.bus, { scope: 'root_pipeline', type: 'tracking.metric-logged', data })
      if (n === 6) await s.midway('root')
    }
    for (let run = 0; run < 5; run++) expect((await s.ended(run)).type).toBe('run.succeeded')
    const { items } = await s.ask<Rows>('triggers', { order: 'asc' })
    expect(items.map(({ kind, message }) => `${kind}: ${message}`)).toEqual(
      [0.5, 0.6, 0.7, 0.8, 0.9].map((accuracy) => `metric: accuracy is ${accuracy}`),
    )
  },
)

/** Everything but root is there from the start; root comes once ten files have. */
scenario(
  'resource-in-leaf',
  ['leaf', 'root'],
  'of ten files before root has ever started and ten after none is lost and none used twice',
  async (s) => {
    s.start('leaf')
    for (let n = 0; n < 10; n++) s.drop('leaf', `data/early${n}.txt`, `early${n}`)
    const count = async (type: string) => (await s.events()).filter((event) => event.type === type).length
    await s.until('ten files', async () => (await count('artifact.detected')) === 10)
    s.start('root')
    s.web()
    await s.ended(0)
    await s.midway()
    for (let n = 0; n < 10; n++) s.drop('leaf', `data/late${n}.txt`, `late${n}`)
    const used = async () =>
      (await s.events()).flatMap(({ type, data }) =>
        type === 'artifact.used' ? [(data as { path: string }).path] : [],
      )
    await s.until('twenty files', async () => new Set(await used()).size === 20)
    const planned = await count('pipeline.run-planned')
    for (let run = 0; run < planned; run++) expect((await s.ended(run)).type).toBe('run.succeeded')
    const offered = await s.ask<Rows>('history', { what: 'offered' })
    expect(offered.items).toHaveLength(20)
    const texts = (await s.ask<Rows>('nodes', { node: 'leaf_pipeline/leaf_eval' })).items.map(
      ({ message }) => `${message}`,
    )
    const all = texts.flatMap((message) => message.split(', ')).toSorted()
    expect(all).toEqual(
      ['early', 'late'].flatMap((when) => Array.from({ length: 10 }, (_, n) => `${when}${n}`)).toSorted(),
    )
  },
)

scenario(
  'metric-trigger',
  ['root'],
  'a pipeline that two hosts run for safety decides nothing twice, and executes nothing twice',
  async (s) => {
    await s.begin()
    const twin = s.start('root', undefined, 'twin')
    await twin.says(/twin is ready/)
    const log = (value: number) =>
      postFact(s.bus, {
        scope: 'root_pipeline',
        type: 'tracking.metric-logged',
        data: { key: 'percent_accuracy', value },
      })
    for (let n = 0; n < 10; n++) {
      await log(0.9)
      if (n === 4) await s.midway('root')
    }
    for (let run = 0; run < 10; run++) expect((await s.ended(run)).type).toBe('run.succeeded')
    const events = await s.events()
    const count = (type: string) => events.filter((event) => event.type === type).length
    expect([count('pipeline.run-requested'), count('pipeline.run-planned'), count('run.node-succeeded')]).toEqual([
      10, 10, 10,
    ])
  },
)

/** The run needs a number that a script logs, and two files: the condition on them is known to the host of the leaf alone. */
scenario(
  'condition-in-leaf',
  ['root', 'leaf'],
  'a condition is asked of the host that has it, and a run begins once all of them hold',
  async (s) => {
    await s.begin()
    const reason = async () => (await s.ask<Rows>('waits', { node: 'leaf_pipeline/data_store' })).items[0]?.reason
    s.drop('leaf', 'data/a.txt', 'a')
    await s.until('its reason', async () => (await reason()) === '1 of 2 files')
    const log = (value: number) =>
      postFact(s.bus, { scope: 'root_pipeline', type: 'tracking.metric-logged', data: { key: 'go', value } })
    await log(0)
    await log(1)
    await s.until('the request', async () => (await s.ask<Rows>('requests')).items.length === 1)
    await s.midway()
    expect((await s.events()).filter(({ type }) => type === 'pipeline.run-planned')).toEqual([])
    s.drop('leaf', 'data/b.txt', 'b')
    expect((await s.ended(0)).type).toBe('run.succeeded')
    expect((await s.ask<Rows>('triggers')).items).toMatchObject([{ kind: 'metric', message: 'go = 1; 2 files' }])

    // Files alone are not enough, and neither is a number alone.
    s.drop('leaf', 'data/c.txt', 'c')
    s.drop('leaf', 'data/d.txt', 'd')
    await s.until(
      'its files',
      async () => (await s.events()).filter(({ type }) => type === 'artifact.detected').length === 4,
    )
    await log(2)
    expect((await s.ended(1)).type).toBe('run.succeeded')
    expect((await s.ask<Rows>('history', { what: 'offered' })).items).toHaveLength(4)
  },
)
