import { rmSync } from 'node:fs'
import { expect, test } from 'vitest'
import { watchNode } from '#agents/pipelines/nodes'
import { eventually, storeOnDisk } from './on-disk.ts'

/** A watched store on a host that runs. */
const running = async (before?: Parameters<typeof storeOnDisk>[1]) => {
  const disk = await storeOnDisk('root/in', before)
  const nodes = { ...disk, stores: new Map([['in', disk.store]]), sources: new Map(), say: () => undefined }
  const definition = { kind: 'filesystem-store', path: disk.folder, watch: true, settle: 50 } as const
  const begun = await watchNode(nodes, 'in', definition, disk.signal)
  const said = async () => (await disk.facts()).map(({ type }) => type).filter((type) => type.includes('source'))
  const end = async () => {
    disk.stop()
    await Promise.all(begun)
    await disk.end()
  }
  return { ...disk, said, end }
}

test('a host that takes over a store says that its folder is there, where the one before had said that it was not', async () => {
  const first = await running({ host: 'first' })
  rmSync(first.folder, { recursive: true })
  await eventually(async () => (await first.said()).length > 0)
  await first.end()
  const { hub } = first
  const second = await running({ hub, host: 'second' })
  await eventually(async () => (await second.said()).length > 1)
  expect(await second.said()).toEqual(['artifact.source-failing', 'artifact.source-back'])
  await second.end()

  // What the first one had said, the second one has taken back already.
  const again = await running({ hub, base: first.base, host: 'first' })
  expect(await again.said()).toHaveLength(2)
})
