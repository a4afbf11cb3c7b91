import { statfsSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { runEndNode } from '#agents/experiments/end-node-host'
import { endNodeConfig } from '#agents/experiments/site-config'
import { watchDisks } from '#agents/experiments/watch-disks'
import { openLocal } from '#agents/local'
import { localMachine } from '#agents/machines/local-machine'
import { roomAt } from '#agents/machines/room'
import { type SshMachine, sshMachine } from '#agents/machines/ssh-machine'
import { memoryBus } from '#bus/memory'
import type { Disk } from '#contracts/disk'
import { freePort, temporaryFolders } from '../processes.ts'
import { maySsh, type Sshd, startSshd } from './sshd.ts'

const newFolder = temporaryFolders()
const never = new AbortController().signal

const totalAt = (folder: string): number => {
  const { blocks, bsize } = statfsSync(folder)
  return blocks * bsize
}

test('says how much room there is where a folder lies, also where one will be', async () => {
  const folder = newFolder()
  for (const place of [folder, join(folder, 'not/yet')]) {
    const found = await roomAt(localMachine(), place, never)
    expect(found?.total).toBe(totalAt(folder))
    expect(found?.free).toBeLessThanOrEqual(totalAt(folder))
  }
  expect(await roomAt(localMachine({ home: folder }), 'not/yet', never)).toMatchObject({ total: totalAt(folder) })
})

test('an end node tells with its presence how much room there is', async () => {
  const [folder, bus, stop] = [newFolder(), memoryBus(), new AbortController()]
  const config = endNodeConfig.parse({ site: 'north', node: 'one', folder })
  const local = openLocal(join(folder, 'local.db'))
  const about = { bus, host: 'rover-one', instance: 'i', version: '0', local, log: () => undefined }
  const running = runEndNode({ ...about, signal: stop.signal }, config, join(folder, 'scratch'))
  onTestFinished(async () => {
    stop.abort()
    await running
    local.close()
  })
  const told = async () => (await bus.present())[0]?.disks?.['north/one']?.total
  await expect.poll(told, { timeout: 10_000 }).toBe(totalAt(folder))
})

describe.runIf(maySsh)('over ssh', () => {
  let sshd: Sshd
  let machine: SshMachine
  beforeAll(async () => {
    sshd = await startSshd()
    machine = sshMachine(sshd.settings)
  })
  afterAll(async () => {
    await machine.close()
    await sshd.stop()
  })

  test('says it of another machine, and nothing of one that can’t be reached', async () => {
    const folder = newFolder()
    const away = sshMachine({ ...sshd.settings, port: await freePort() })
    const stop = new AbortController()
    const told = new Map<string, Disk | undefined>()
    const watching = watchDisks(
      [
        { part: 'north/one', machine, folder: join(folder, 'it’s not yet') },
        { part: 'north/two', machine: away, folder },
      ],
      (part, found) => {
        told.set(part, found)
        if (told.size === 2) stop.abort()
      },
      stop.signal,
    )
    await watching
    await away.close()
    expect(told.get('north/one')?.total).toBe(totalAt(folder))
    expect(told.get('north/two')).toBeUndefined()
  })
})
