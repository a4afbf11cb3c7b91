import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { readPortalFile } from '#agents/experiments/host-file'
import { type PortalConfig, portalConfig } from '#agents/experiments/portal-config'
import { runPortal } from '#agents/experiments/portal-host'
import { openLocal } from '#agents/local'
import { ask } from '#bus/command'
import { memoryHub } from '#bus/memory'
import { addressOfPortal } from '#contracts/portal'
import { temporaryFolder } from '../agents/on-disk.ts'
import { created } from './story.ts'

const configOf = (folder: string, members: readonly string[]): PortalConfig =>
  portalConfig.parse({
    operators: ['olga'],
    projects: { rover: { members } },
    gitHosts: ['git.example'],
    experiments: join(folder, 'experiments'),
    sites: { north: { server: 'north', transport: 'bus', nodes: { one: { type: 'Rover' } } } },
  })

const startPortal = async () => {
  const folder = temporaryFolder()
  const hub = memoryHub({ lease: 30_000 })
  const stop = new AbortController()
  const said: string[] = []
  let apply: (config: PortalConfig) => Promise<void> = async () => undefined
  const { promise: ready, resolve } = Promise.withResolvers<void>()
  const running = runPortal(
    {
      ...{ bus: hub.connect('portal'), host: 'portal', instance: 'one', version: '0', signal: stop.signal },
      local: openLocal(join(folder, 'portal.db')),
      log: (_, message) => void said.push(message),
      ready: resolve,
    },
    configOf(folder, ['carol']),
    {
      scratch: join(folder, 'scratch'),
      changes: (changed) => {
        apply = changed
      },
    },
  )
  onTestFinished(async () => {
    stop.abort()
    await running
  })
  await ready
  const create = (who: string, scope = 'rover', key = `${scope}-${who}`) =>
    ask(hub.connect(who), { address: { aggregate: 'experiment', scope, key }, ...created() }).catch((cause: Error) => ({
      accepted: false,
      refusal: cause.message,
    }))
  return { hub, folder, create, said, change: (config: PortalConfig) => apply(config) }
}

test('an experiment has a folder of its own at the portal as soon as it is created', async () => {
  const { create, folder } = await startPortal()
  await create('carol')
  await expect.poll(() => readdirSync(join(folder, 'experiments/north'))).toEqual(['rover-carol'])
})

test('a portal goes by its file as it is now', async () => {
  const { create, change, folder, said } = await startPortal()
  expect(await create('carol')).toMatchObject({ accepted: true })
  expect(await create('emil')).toMatchObject({ refusal: 'not-allowed' })
  await change(configOf(folder, ['emil']))
  expect(await create('emil')).toMatchObject({ accepted: true })
  expect(await create('carol', 'rover', 'rover-2')).toMatchObject({ refusal: 'not-allowed' })
  expect(said).not.toContainEqual(expect.stringContaining('start the portal anew'))
  const { projects, ...rest } = configOf(folder, ['emil'])
  await change({ ...rest, projects: { ...projects, boat: { members: ['bo'], approval: false } }, gitHosts: ['*'] })
  expect(await create('bo', 'boat')).toMatchObject({ accepted: true })
  expect(said).toContainEqual(expect.stringContaining('start the portal anew'))
})

test('nobody but the portal says who is who', async () => {
  const { hub } = await startPortal()
  const policy = { administrators: ['mallory'], projects: {}, sites: {} }
  const asked = ask(hub.connect('mallory'), { address: addressOfPortal, type: 'portal.define', data: { policy } })
  await expect(asked).resolves.toMatchObject({ accepted: false, refusal: 'not-allowed' })
})

test('whatever is secret of a cloud link stays at the portal, for one experiment and one link', async () => {
  const { hub } = await startPortal()
  const bus = hub.connect('carol')
  const keep = (experiment: string, text: string) =>
    bus.request('services.portal.cloud-links.keep.carol', { experiment, text })
  const link = await keep('rover-1', 'webdav+https://carol:hunter2@dav.example/home')
  expect(link).toMatchObject({ kind: 'webdav', url: 'https://dav.example/home', secret: expect.any(String) })
  expect(JSON.stringify(link)).not.toContain('hunter2')
  expect(await keep('rover-1', 'directory:carol')).toEqual({ kind: 'directory', path: 'carol' })
  await expect(keep('rover-1', 'ftp://nowhere')).rejects.toThrow(/Expected/)
})

test('each mistake of a portal’s file is told with its line', async () => {
  const file = join(temporaryFolder(), 'portal.yaml')
  writeFileSync(
    file,
    'operators: [olga]\nproject:\n  rover: { members: [carol] }\nsites:\n  portal: { server: x, nodes: {} }\n',
  )
  await expect(readPortalFile(file)).rejects.toThrow(/portal\.yaml:2: .*project/)
  await expect(readPortalFile(file)).rejects.toThrow(/portal\.yaml:5: .*ssh/)
  await expect(readPortalFile(`${file}.missing`)).rejects.toThrow(/can't be read/)
})
