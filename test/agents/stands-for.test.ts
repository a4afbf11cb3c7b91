import { expect, test } from 'vitest'
import { serveStore } from '#agents/pipelines/exchange'
import { draft } from '#agents/pipelines/folder'
import { clientOf } from '#agents/pipelines/store-client'
import { memoryHub } from '#bus/memory'
import type { Graph } from '#contracts/pipeline'
import { teller } from '../projections/story.ts'
import { storeOnDisk, temporaryFolder } from './on-disk.ts'

const graphWith = (...stores: string[]): Graph => ({
  pipeline: 'croot',
  nodes: [
    ...stores.map((name) => ({ name, kind: 'filesystem-store' as const, after: [], next: [] })),
    { name: 'train', kind: 'action', after: [], next: [] },
  ],
})

/** A client on a leaf that stands for a store of croot, and what croot's log and host do. */
const standingFor = async (of: string) => {
  const hub = memoryHub({ logId: 'log' })
  const at = (part: string) => storeOnDisk(part, { base: temporaryFolder(), hub })
  const [store, leaf] = [await at('croot/models'), await at('leaf/client')]
  const client = clientOf({ ...leaf, host: 'leaf' }, leaf.store, of)
  const { define } = teller(hub.connect('teller'))
  const { promise: waits, resolve: isWaiting } = Promise.withResolvers<string>()
  const doing = { signal: leaf.signal, waiting: isWaiting }
  const serve = async () => {
    await store.store.admit(await draft(store.store.root, 'weights'), 'm', { how: 'saved' })
    void serveStore({ ...store, host: 'croot' }, store.store)
  }
  return { leaf, client, doing, define, waits, serve }
}

test('a client of a store that its pipeline does not have is told so, and which was probably meant', async () => {
  const { client, doing, define, leaf } = await standingFor('croot/modles')
  await define(graphWith('models', 'plots'))
  const code = 'store.unknown'
  const message = expect.stringMatching(
    /as croot is defined no node is called 'croot\/modles'; did you mean 'models'\?/,
  )
  await expect(client.download('m', doing)).rejects.toMatchObject({ code, message })
  await expect(client.list(doing)).rejects.toMatchObject({ code })
  await expect(client.tag('m', { a: 'b' }, doing)).rejects.toMatchObject({ code })
  await expect(client.upload(await draft(leaf.store.root, 'x'), 'x', doing)).rejects.toMatchObject({ code })
})

test('a client of what is no store is told what it is', async () => {
  const { client, doing, define } = await standingFor('croot/train')
  await define(graphWith('models'))
  await expect(client.list(doing)).rejects.toThrow(/'croot\/train' is no store \(it is of kind action\)/)
})

test('a client waits while nobody has defined the pipeline, and is told once that is there without the store', async () => {
  const { client, doing, define, waits } = await standingFor('croot/nope')
  const listed = client.list(doing)
  const refused = expect(listed).rejects.toMatchObject({ code: 'store.unknown' })
  expect(await waits).toMatch(/^waiting for the host of croot\/nope: /)
  await define(graphWith('models'))
  await refused
})

test('a client waits for the host of a store that is defined, also where an earlier definition had it not', async () => {
  const { client, doing, define, waits, serve } = await standingFor('croot/models')
  await define(graphWith('plots'))
  await define(graphWith('plots', 'models'))
  const listed = client.list(doing)
  expect(await waits).toMatch(/^waiting for the host of croot\/models: /)
  await serve()
  expect(await listed).toMatchObject([{ path: 'm' }])
})

test('what a host says of its clients at its start waits for a store that is defined later', async () => {
  const { client, doing, define, serve } = await standingFor('croot/models')
  await define(graphWith('plots'))
  const announced = client.announce(doing.signal)
  await expect(client.list(doing)).rejects.toMatchObject({ code: 'store.unknown' })
  await define(graphWith('models'))
  await serve()
  await announced
  expect(await client.list(doing)).toMatchObject([{ path: 'm' }])
})
