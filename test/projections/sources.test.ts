import { expect, onTestFinished, test } from 'vitest'
import { memoryBus } from '#bus/memory'
import type { Graph } from '#contracts/pipeline'
import { digestFor, teller, watching } from './story.ts'

const graph: Graph = {
  pipeline: 'root',
  nodes: [
    { name: 'metadata_store', kind: 'metadata-store', after: [], next: [], path: 'metadata.db' },
    { name: 'bucket', kind: 'resource', after: ['root/metadata_store'], next: [], watch: true, path: 'bucket' },
  ],
}

test('a resource that can’t be seen says why, as long as that holds, and how it stood before', async () => {
  const bus = memoryBus()
  const { define, fact } = teller(bus)
  const { viewer, caughtUp } = await watching(bus)
  await define(graph)
  const here = new AbortController()
  await bus.appear({ host: 'gpu-1', instance: 'i', machine: 'm', nodes: ['root/bucket'] }, here.signal)
  onTestFinished(() => here.abort())
  const tell = (type: string, more: object = {}) =>
    fact(`artifact.${type}`, 'root', 'bucket', { store: 'root/bucket', ...more })
  const stands = async (at?: string) => {
    await caughtUp()
    const { nodes } = (await viewer.ask('graph', at ? { at } : {})).value as { nodes: { part: string }[] }
    return nodes.find(({ part }) => part === 'root/bucket')
  }
  const away = await tell('source-failing', { reason: 'connect ECONNREFUSED' })
  expect(await stands()).toMatchObject({ kind: 'resource', state: 'waiting', reason: 'connect ECONNREFUSED', fresh: 0 })
  await tell('source-back')
  expect(await stands()).toMatchObject({ state: 'waiting', reason: 'waiting for files' })
  expect(await stands(away)).toMatchObject({ reason: 'connect ECONNREFUSED' })
  await tell('detected', { path: 'a', digest: digestFor('a'), size: 1, change: 'new' })
  const wanted = '1 file waits until every other node that starts runs has something for one'
  expect(await stands()).toMatchObject({ state: 'waiting', reason: wanted, fresh: 1 })
})
