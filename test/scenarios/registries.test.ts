import { expect } from 'vitest'
import { readDatasetCard } from '#agents/pipelines/dataset-card'
import { readModelCard } from '#agents/pipelines/model-card'
import { type Stage, scenario } from './stage.ts'

type Rows = { readonly items: readonly Readonly<Record<string, unknown>>[] }

const tagsIn = async (s: Stage, node: string): Promise<string[]> =>
  (await s.ask<Rows>('artifact-tags', { node })).items
    .map(({ path, key, value }) => `${path} ${key} ${value}`)
    .toSorted()

scenario(
  'model-registry',
  ['root'],
  'a model lies in the registry after each run, a card after every third, and they name each other',
  async (s) => {
    await s.begin()
    for (let run = 0; run < 4; run++) {
      s.drop('root', `data/file${run}.txt`, 'x')
      if (run === 2) await s.midway('root')
      expect((await s.ended(run)).type).toBe('run.succeeded')
    }
    const { items } = await s.ask<Rows>('artifacts', { node: 'model_registry' })
    expect(items.map(({ path, run }) => `${path} ${run}`)).toEqual([
      'model0.bin root_pipeline/0',
      'model0.bin.card.md root_pipeline/0',
      'model1.bin root_pipeline/1',
      'model2.bin root_pipeline/2',
      'model3.bin root_pipeline/3',
      'model3.bin.card.md root_pipeline/3',
    ])
    expect(await tagsIn(s, 'model_registry')).toEqual(
      [0, 3].flatMap((run) => [
        `model${run}.bin card model${run}.bin.card.md`,
        `model${run}.bin.card.md card-of model${run}.bin`,
      ]),
    )
    expect(readModelCard(s.read('root', 'models/model3.bin.card.md'))).toMatchObject({
      metadata: { license: 'mit', language: 'en', tags: ['haiku'] },
      body: expect.stringMatching(/Model 3/),
    })
  },
)

scenario(
  'dataset-registry',
  ['root'],
  'two files start a run, and what it makes of them has a Croissant card',
  async (s) => {
    await s.begin()
    s.drop('root', 'raw/a.txt', 'one\n')
    await s.until('the reason', async () =>
      (await s.ask<Rows>('waits')).items.some(({ reason }) => reason === '1 of 2 files'),
    )
    await s.midway('root')
    s.drop('root', 'raw/b.txt', 'two\n')
    expect((await s.ended(0)).type).toBe('run.succeeded')
    const card = readDatasetCard(s.read('root', 'processed/rows0.csv.croissant.json'))
    const { items } = await s.ask<Rows>('artifacts', { node: 'processed', path: 'rows0.csv' })
    expect(card).toMatchObject({ name: 'words', distribution: [{ sha256: items[0]?.digest }] })
    expect(await tagsIn(s, 'processed')).toEqual([
      'rows0.csv card rows0.csv.croissant.json',
      'rows0.csv.croissant.json card-of rows0.csv',
    ])
  },
)
