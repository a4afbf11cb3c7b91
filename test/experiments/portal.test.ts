import { createHmac } from 'node:crypto'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { stringify } from 'yaml'
import { secretOf } from '#agents/experiments/cloud-links'
import { readPortalFile } from '#agents/experiments/host-file'
import { type PortalConfig, portalConfig } from '#agents/experiments/portal-config'
import { runPortal } from '#agents/experiments/portal-host'
import { openLocal } from '#agents/local'
import { addressOfPerson } from '#agents/notices/person'
import { openVault } from '#agents/uploads/secrets'
import { ask } from '#bus/command'
import { dispatch } from '#bus/dispatcher'
import { memoryHub } from '#bus/memory'
import type { CloudLink } from '#contracts/cloud-link'
import { addressOfPortal } from '#contracts/portal'
import { temporaryFolder } from '../agents/on-disk.ts'
import { eventsOf } from '../events.ts'
import { listenForMail, listenForPosts } from './listeners.ts'
import { created, hostileLinks, initiate } from './story.ts'

const configOf = (folder: string, members: readonly string[]): PortalConfig =>
  portalConfig.parse({
    operators: ['olga'],
    projects: { rover: { members } },
    gitHosts: ['git.example'],
    experiments: join(folder, 'experiments'),
    sites: { north: { server: 'north', transport: 'bus', nodes: { one: { type: 'Rover' } } } },
  })

const startPortal = async (
  read: (folder: string) => Promise<PortalConfig> | PortalConfig = (at) => configOf(at, ['carol']),
) => {
  const folder = temporaryFolder()
  const hub = memoryHub({ lease: 30_000 })
  const stop = new AbortController()
  const said: string[] = []
  let apply: (config: PortalConfig) => Promise<void> = async () => undefined
  const { promise: ready, resolve } = Promise.withResolvers<void>()
  const dispatching = dispatch(hub.connect('dispatcher'), stop.signal)
  const running = runPortal(
    {
      ...{ bus: hub.connect('portal'), host: 'portal', instance: 'one', version: '0', signal: stop.signal },
      local: openLocal(join(folder, 'portal.db')),
      log: (_, message) => void said.push(message),
      ready: resolve,
    },
    await read(folder),
    {
      scratch: join(folder, 'scratch'),
      changes: (changed) => {
        apply = changed
      },
    },
  )
  onTestFinished(async () => {
    stop.abort()
    await Promise.all([running, dispatching])
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
  expect(said).not.toContainEqual(expect.stringContaining('Start the portal anew'))
  const { projects, ...rest } = configOf(folder, ['emil'])
  await change({ ...rest, projects: { ...projects, boat: { members: ['bo'], approval: false } }, gitHosts: ['*'] })
  expect(await create('bo', 'boat')).toMatchObject({ accepted: true })
  expect(said).toContainEqual(expect.stringContaining('Start the portal anew'))
})

test.each(hostileLinks)('%s is no link: it is refused over the bus, and nothing is recorded', async (link) => {
  const { hub } = await startPortal()
  const bus = hub.connect('carol')
  const before = (await eventsOf(bus)).length
  const address = { aggregate: 'experiment', scope: 'rover', key: 'rover-1' }
  const data = created({ source: { link } }).data
  const answer = await ask(bus, { address, type: 'experiment.create', data }).catch(({ message }: Error) => message)
  expect(answer).toEqual(
    link === 'file:///etc'
      ? {
          ...{ accepted: false, refusal: 'folder-not-allowed' },
          detail: expect.stringMatching(/^Code can't come from \/etc\. Allowed are repositories below: .*gitFolders/),
        }
      : expect.stringMatching(/source\.link: .*expected https:/),
  )
  expect(await eventsOf(bus)).toHaveLength(before)
})

test('nobody but the portal says who is who', async () => {
  const { hub } = await startPortal()
  const policy = { administrators: ['mallory'], projects: {}, sites: {} }
  const asked = ask(hub.connect('mallory'), { address: addressOfPortal, type: 'portal.define', data: { policy } })
  await expect(asked).resolves.toMatchObject({ accepted: false, refusal: 'not-allowed' })
})

test('whatever is secret of a cloud link stays at the portal, for one experiment and one link', async () => {
  const { hub, folder } = await startPortal()
  const keep = async (experiment: string, text: string, who = 'carol') =>
    (await hub.connect(who).request(`services.portal.cloud-links.keep.${who}`, { experiment, text })) as CloudLink
  const link = await keep('rover-1', 'webdav+https://carol:hunter2@dav.example/home')
  expect(link).toMatchObject({ kind: 'webdav', url: 'https://dav.example/home', secret: expect.any(String) })
  expect(JSON.stringify(link)).not.toContain('hunter2')
  expect(await keep('rover-1', 'directory:carol')).toEqual({ kind: 'directory', path: 'carol' })
  await expect(keep('rover-1', 'ftp://nowhere')).rejects.toThrow(/Expected/)
  await expect(keep('rover-1', 's3://results/dawn')).rejects.toThrow(/s3:\/\/ACCESS:SECRET@results\/…/)
  const vault = await openVault({ folder: join(folder, 'experiments/.secrets') })
  expect(await secretOf(vault, 'rover-1', link)).toContain('hunter2')
  const elsewhere = { ...link, url: 'https://dav.mallory.example/home' } as CloudLink
  for (const [experiment, other] of [
    ['rover-2', link],
    ['rover-1', elsewhere],
  ] as const)
    await expect(secretOf(vault, experiment, other)).rejects.toMatchObject({
      ...{ code: 'vault.other', message: expect.stringMatching(/given for another one. Set the cloud link once more/) },
    })
  expect(await secretOf(vault, 'rover-1', { kind: 'directory', path: 'carol' })).toBeUndefined()
})

test('nobody but a member of its project gives an experiment a cloud link, and nothing of another is put away', async () => {
  const { hub, folder } = await startPortal()
  const keep = (who: string, experiment: string) => {
    const text = 'webdav+https://mallory:hunter2@dav.example/home'
    return hub.connect(who).request(`services.portal.cloud-links.keep.${who}`, { experiment, text })
  }
  const secrets = () => readdirSync(join(folder, 'experiments/.secrets')).filter((name) => name.endsWith('.secret'))
  for (const [who, experiment] of [
    ['mallory', 'rover-1'],
    ['olga', 'rover-1'],
  ] as const)
    await expect(keep(who, experiment)).rejects.toThrow(`${who} is no member of the project`)
  await expect(keep('carol', 'boat-1')).rejects.toThrow('There is no project boat. Yours are: rover')
  expect(secrets()).toEqual([])
  await keep('carol', 'rover-1')
  expect(secrets()).toHaveLength(1)
})

test('people are told of a step by mail and by webhook, as the portal’s file says how', async () => {
  const [{ mails, url: smtp }, { posts, url: hook }] = [await listenForMail(), await listenForPosts()]
  const key = 'what only the two know'
  const { hub, folder } = await startPortal(async (folder) => {
    const file = join(folder, 'portal.yaml')
    const sites = { north: { server: 'north', transport: 'bus', nodes: { one: { type: 'Rover' } } } }
    const who = { operators: ['olga'], projects: { rover: { members: ['carol'] } }, gitFolders: [folder] }
    const ways = { mail: { smtp, from: 'portal@example.org' }, webhooks: { key, privateHosts: ['127.0.0.1'] } }
    writeFileSync(file, stringify({ ...who, ...ways, experiments: 'experiments', sites }))
    return readPortalFile(file)
  })
  const prefer = (who: string, data: object) =>
    ask(hub.connect(who), { address: addressOfPerson(who), type: 'person.set-preferences', data })
  await prefer('carol', { mail: 'carol@example.org' })
  await prefer('olga', { webhook: hook })
  const address = { aggregate: 'experiment', scope: 'rover', key: 'rover-1' }
  const carol = hub.connect('carol')
  await ask(carol, { address, ...created({ source: { link: `file://${folder}/nowhere` } }) })
  await ask(carol, { address, ...initiate })
  await expect.poll(() => mails.map(({ to }) => to)).toEqual([['carol@example.org']])
  expect(mails[0]?.header('subject')).toMatch(/Fetching.its.code.has.failed/)
  await expect.poll(() => posts.length).toBe(1)
  const [post] = posts
  const body = post?.body ?? ''
  expect(JSON.parse(body)).toMatchObject({ to: 'olga', occasion: 'waits-for-me', experiment: 'rover-1' })
  expect(post?.headers['millrace-signature']).toBe(`sha256=${createHmac('sha256', key).update(body).digest('hex')}`)
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
