import { expect } from 'vitest'
import { ask } from '#bus/command'
import { scenario } from './stage.ts'

type Rows = { readonly items: readonly Readonly<Record<string, unknown>>[] }

scenario(
  '../../examples/file-transfer',
  ['root', 'leaf'],
  'files are transferred whole: ten one by one, then ten at once',
  async (s) => {
    await s.begin()
    const inbox = 'root-artifacts/input_artifacts/haiku'
    const stores = {
      model: ['root-artifacts/output_artifacts/model_registry', 'leaf-artifacts/input_artifacts/model_registry'],
      plot: ['root-artifacts/output_artifacts/plots', 'leaf-artifacts/output_artifacts/plots'],
    } as const
    for (let run = 0; run < 10; run++) {
      s.drop('root', `${inbox}/haiku${run}.txt`, `haiku ${run}\n`)
      if (run === 4) await s.midway()
      expect((await s.ended(run)).type).toBe('run.succeeded')
    }
    for (let n = 10; n < 20; n++) s.drop('root', `${inbox}/haiku${n}.txt`, `haiku ${n}\n`)
    const offered = async () =>
      (await s.ask<Rows>('history', { what: 'offered', limit: 1000 })).items.map(({ path }) => path)
    await s.until('twenty offers', async () => (await offered()).length === 20)
    expect(new Set(await offered()).size).toBe(20)
    const runs = (await s.ask<Rows>('runs', { limit: 1000 })).items.length
    for (let run = 10; run < runs; run++) expect((await s.ended(run)).type).toBe('run.succeeded')
    for (let run = 0; run < runs; run++)
      for (const [name, [root, leaf]] of Object.entries(stores)) {
        const bytes = s.read('root', `${root}/${name}${run}.txt`)
        expect(bytes).toMatch(new RegExp(`model ${run}\\b`))
        expect(s.read('leaf', `${leaf}/${name}${run}.txt`)).toBe(bytes)
      }
    const history = async (what: string) => (await s.ask<Rows>('history', { what, limit: 1000 })).items
    expect((await history('downloaded')).map(({ path, peer }) => `${path} ${peer}`).toSorted()).toEqual(
      Array.from({ length: runs }, (_, run) => `model${run}.txt leaf_pipeline/model_registry_rpc`).toSorted(),
    )
    expect((await history('uploaded')).map(({ path, peer }) => `${path} ${peer}`).toSorted()).toEqual(
      Array.from({ length: runs }, (_, run) => `plot${run}.txt leaf_pipeline/plots_store_rpc`).toSorted(),
    )
    const tags = await s.ask<Rows>('artifact-tags', { key: 'model_type', limit: 1000 })
    expect(tags.items.map(({ path, value }) => `${path} ${value}`).toSorted()).toEqual(
      Array.from({ length: runs }, (_, run) => `model${run}.txt LLM`).toSorted(),
    )
    const metrics = await s.ask<Rows>('metrics', { key: 'shakespeare_loss', limit: 1000 })
    expect(metrics.items.map(({ run, value }) => `${run} ${value}`)).toEqual(
      Array.from({ length: runs }, (_, run) => `root_pipeline/${run} ${1 / (run + 1)}`),
    )

    // What is reused has the number of the run that made it, also where a repetition is repeated.
    for (const [repeated, number] of [
      [0, runs],
      [runs, runs + 1],
    ] as const) {
      const address = { aggregate: 'pipeline', scope: 'root_pipeline', key: 'self' }
      const data = { run: repeated, from: ['leaf_pipeline/shakespeare_eval'] }
      expect(await ask(s.bus, { address, type: 'pipeline.rerun', data })).toMatchObject({ accepted: true })
      expect((await s.ended(number)).type).toBe('run.succeeded')
    }
    const again = (await history('downloaded')).filter(({ path }) => path === 'model0.txt')
    expect(again.map(({ run }) => run).toSorted()).toEqual([0, runs, runs + 1].map((run) => `root_pipeline/${run}`))
  },
)
