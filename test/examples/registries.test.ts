import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readDatasetCard } from '#agents/pipelines/dataset-card'
import { readModelCard } from '#agents/pipelines/model-card'
import { openBus } from '#bus/jetstream'
import { eventsOf } from '../events.ts'
import { freePort, millrace, stop, temporaryFolders } from '../processes.ts'

const folder = temporaryFolders()()

test('a model each run, a card every third, and data with its card: all tagged both ways, of their runs', async () => {
  const [web, nats] = [await freePort(2), await freePort()]
  const args = ['up', 'examples/registries/registries.ts', '--base', folder, '--state', join(folder, 'state')]
  const up = millrace([...args, '--port', String(web), '--nats-port', String(nats)])
  await up.says(/Ctrl-C stops/)
  const raw = join(folder, 'registry-artifacts/raw')
  mkdirSync(raw, { recursive: true })
  for (let run = 0; run < 4; run++) {
    for (const name of ['a', 'b']) writeFileSync(join(raw, `${name}${run}.txt`), `${name}${run}\n`)
    await up.says(new RegExp(`run registries/${run} succeeded`))
  }

  const [models, datasets] = ['models', 'datasets'].map((name) => join(folder, 'registry-artifacts', name))
  expect(readdirSync(models ?? '').filter((name) => !name.startsWith('.'))).toEqual([
    ...['model0.txt', 'model0.txt.card.md', 'model1.txt', 'model2.txt', 'model3.txt', 'model3.txt.card.md'],
  ])
  const card = readModelCard(readFileSync(join(models ?? '', 'model3.txt.card.md'), 'utf8'))
  expect(card.metadata).toMatchObject({ license: 'mit', datasets: ['words3.csv'] })
  const dataset = readDatasetCard(readFileSync(join(datasets ?? '', 'words2.csv.croissant.json'), 'utf8'))
  expect(dataset.distribution).toMatchObject([{ contentUrl: 'words2.csv', encodingFormat: ['text/csv'] }])

  const bus = await openBus({ url: `nats://127.0.0.1:${nats}`, principal: 'judge' })
  const tagged = (await eventsOf(bus)).filter(({ type }) => type === 'artifact.tagged').map(({ data }) => data)
  const of = (run: number, node: string) => ({ run: `registries/${run}`, part: `registries/${node}`, attempt: 1 })
  const pair = (store: string, path: string, card: string, by: object) => [
    { store: `registries/${store}`, path, tags: { card }, by },
    { store: `registries/${store}`, path: card, tags: { 'card-of': path }, by },
  ]
  const expected = [
    ...[0, 1, 2, 3].flatMap((run) =>
      pair('datasets', `words${run}.csv`, `words${run}.csv.croissant.json`, of(run, 'process')),
    ),
    ...[0, 3].flatMap((run) => pair('models', `model${run}.txt`, `model${run}.txt.card.md`, of(run, 'train'))),
  ]
  expect(tagged).toHaveLength(expected.length)
  for (const { tags, ...one } of expected)
    expect(tagged).toContainEqual(expect.objectContaining({ ...one, tags: expect.objectContaining(tags) }))
  await bus.close()
  expect(await stop(up)).toBe(0)
}, 90_000)
