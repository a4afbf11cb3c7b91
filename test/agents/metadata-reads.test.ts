import { expect, onTestFinished, test } from 'vitest'
import { handlesFor } from '#agents/pipelines/handles-for'
import type {
  ArtifactTag,
  MetadataHandle,
  NotedParam,
  NotedTag,
  RunTrigger,
  StoredArtifact,
} from '#agents/pipelines/handles-metadata'
import { asViewed, type Filter, metadataReadNames, metadataReads } from '#agents/pipelines/metadata-reads'
import type { Scheduled } from '#agents/pipelines/scheduled'
import { servicesFor } from '#agents/pipelines/services'
import { memoryHub } from '#bus/memory'
import type { ArtifactRow, ArtifactTagRow, ParamRow, TagRow } from '#client/rows'
import { answerQueries } from '#projections/answer-queries'
import { views } from '#projections/views'
import { leafGraph, rootGraph, teller, watching } from '../projections/story.ts'
import { storeOnDisk } from './on-disk.ts'

const graphs = [
  { ...rootGraph, nodes: [...rootGraph.nodes] },
  { ...leafGraph, nodes: [...leafGraph.nodes] },
]

/** A pipeline whose run 0 has been told, a metadata store that answers, and what an execution on the leaf asks it with. */
const reading = async () => {
  const hub = memoryHub({ logId: 'log' })
  const { bus, store, outbox } = await storeOnDisk('leaf/notes', { hub })
  const story = teller(hub.connect('teller'))
  for (const graph of graphs) await story.define(graph)
  await story.wholeRun(0)
  const web = hub.connect('web-root')
  const { viewer } = await watching(web)
  const stop = new AbortController()
  const served = answerQueries(web, viewer, ['root'], stop.signal)
  onTestFinished(() => {
    stop.abort()
    return served
  })
  const events = (await bus.read({ aggregate: 'run', scope: 'root', key: '0' })).events
  const scheduled = events.find(({ type }) => type === 'run.node-scheduled') as Scheduled
  const nodes = {
    ...{ bus, outbox, stores: new Map([['notes', store]]), sources: new Map(), clients: new Map() },
    metadata: new Map([['metadata', 'root/metadata_store']]),
  }
  const execution = { part: 'leaf/evaluation', attempt: 1, delivery: 1, instance: 'here' }
  const ask = servicesFor(nodes, scheduled, execution, () => undefined)
  const call = <T>(node: string, verb: string, args: unknown) => ask(node, verb, args, stop.signal) as Promise<T>
  const handles = handlesFor(call, () => undefined)
  const metadata = handles('metadata', { kind: 'metadata-client', of: 'root/metadata_store' }) as MetadataHandle
  const notes = handles('notes', { kind: 'filesystem-store', path: store.root, watch: false })
  return { story, metadata, notes: notes as { save: (path: string, text: string) => Promise<unknown> } }
}

test('a function reads what has been noted of runs, what lies in stores and why runs were started', async () => {
  const { metadata } = await reading()
  expect(await metadata.metrics()).toMatchObject([{ key: 'loss', value: 1, run: 'root/0', part: 'leaf/evaluation' }])
  expect(await metadata.triggers({ kind: 'files', run: 0 })).toMatchObject([{ run: 'root/0', kind: 'files' }])
  expect(await metadata.triggers({ kind: 'rerun' })).toEqual([])
  expect((await metadata.artifacts({ run: 0 })).map(({ store, path, state }) => `${store} ${path} ${state}`)).toEqual([
    'leaf/models_rpc model0.txt downloaded',
    'root/haikus haiku0.txt used',
    'root/models model0.txt downloaded',
    'root/models plot0.txt uploaded',
  ])
  const paths = async (filter: Filter) => (await metadata.artifacts(filter as never)).map(({ path }) => path)
  expect(await paths({ store: 'models', state: 'uploaded' })).toEqual(['plot0.txt'])
  expect(await paths({ store: 'root/models', path: 'model*' })).toEqual(['model0.txt'])
  expect(await paths({ pipeline: 'leaf' })).toEqual(['model0.txt'])
  expect(await paths({ run: 7 })).toEqual([])
  expect(await metadata.artifactTags({ store: 'root/models' })).toMatchObject([{ key: 'model_type', value: 'LLM' }])
  const { state, trigger, nodes } = await metadata.run()
  expect({ state, trigger }).toEqual({ state: 'succeeded', trigger: 'files' })
  expect(nodes.find(({ part }) => part === 'leaf/plotting')).toMatchObject({ kind: 'action', state: 'succeeded' })
})

test('what a function has noted and saved itself is among what it reads, also where it did not wait', async () => {
  const { metadata, notes } = await reading()
  void metadata.logMetric('loss', Number.NaN, { step: 2 })
  void metadata.logParam('rate', { of: [1] })
  void metadata.tag('kind', 'test')
  await notes.save('a.txt', 'words')
  const mine = { node: 'evaluation' }
  expect((await metadata.metrics({ ...mine, key: 'loss' })).map(({ value }) => value)).toEqual([1, Number.NaN])
  expect(await metadata.params(mine)).toMatchObject([{ key: 'rate', value: { of: [1] }, run: 'root/0', attempt: 1 }])
  expect(await metadata.tags({ key: 'kind', run: 0 })).toMatchObject([{ value: 'test', part: 'leaf/evaluation' }])
  expect(await metadata.artifacts({ state: 'produced' })).toMatchObject([{ store: 'leaf/notes', path: 'a.txt' }])
})

test('a list is whole, however many pages it has', async () => {
  const { metadata } = await reading()
  for (let n = 0; n < 2_500; n++) void metadata.logParam(`p${n}`, n)
  expect((await metadata.params()).map(({ value }) => value)).toEqual(Array.from({ length: 2_500 }, (_, n) => n))
})

test('a filter that is none is refused, with what is wrong with it', async () => {
  const { metadata } = await reading()
  const params = metadata.params as (filter: object) => Promise<unknown>
  await expect(params({ keey: 'rate' })).rejects.toThrow(/keey/)
  await expect(params({ run: 'zero' })).rejects.toThrow(/run: use <pipeline>\/<run number>/)
  await expect(metadata.artifacts({ state: 'lost' as never })).rejects.toMatchObject({ code: 'contract.broken' })
  await expect(metadata.artifacts({ from: 'yesterday' })).rejects.toThrow(/from: use a time/)
})

test('a number names a run of the pipeline that keeps the metadata, or of the one that is asked about', () => {
  const { params, artifacts } = metadataReads
  expect(asViewed(params, { run: 3 }, 'root')).toEqual({ run: 'root/3' })
  expect(asViewed(params, { run: 3, pipeline: 'other' }, 'root')).toEqual({ run: 'other/3', pipeline: 'other' })
  expect(asViewed(artifacts, { run: 3, pipeline: 'other' }, 'root')).toEqual({ run: 'root/3', pipeline: 'other' })
  expect(asViewed(artifacts, { run: 'a/3', store: 'x' }, 'root')).toEqual({ run: 'a/3', node: 'x' })
})

test('every filter of the views can be said, and no other', () => {
  const words = ({ shape }: { shape: object }) => Object.keys(shape).toSorted()
  for (const name of metadataReadNames) {
    const { view, filter } = metadataReads[name]
    const known = words(views[view as keyof typeof views].filters).filter((word) => word !== 'sort')
    expect(
      words(filter as never)
        .map((word) => (word === 'store' ? 'node' : word))
        .toSorted(),
    ).toEqual(known)
  }
})

test('rows are those that scripts get, as far as a function is told of them', () => {
  const params: readonly NotedParam[] = [] as readonly ParamRow[]
  const tags: readonly NotedTag[] = [] as readonly TagRow[]
  const artifacts: readonly StoredArtifact[] = [] as readonly ArtifactRow[]
  const said: readonly ArtifactTag[] = [] as readonly ArtifactTagRow[]
  expect([params, tags, artifacts, said].flat()).toEqual([])
  const words = Object.keys({ run: '', pipeline: '', kind: '', message: '', at: '' } satisfies RunTrigger)
  expect(Object.keys((views.triggers.answer as unknown as { shape: object }).shape)).toEqual(
    expect.arrayContaining(words),
  )
})
