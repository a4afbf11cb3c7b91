import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { portalConfig } from '#agents/experiments/portal-config'
import { type Changes, runPortal } from '#agents/experiments/portal-host'
import { openLocal } from '#agents/local'
import { addressOfPerson } from '#agents/notices/person'
import type { Bus } from '#bus/bus'
import { ask } from '#bus/command'
import { portalPlace } from '#contracts/experiment-parts'
import { serviceOf } from '#contracts/subjects'
import { temporaryFolder } from '../agents/on-disk.ts'
import { withUsers } from '../bus/permitted.ts'
import { created } from './story.ts'

const { bus } = withUsers([
  { role: 'portal', principal: 'portal' },
  { role: 'web', principal: 'web-hub' },
  { role: 'web', principal: 'web-eve' },
])

const configOf = (folder: string, webs?: readonly string[]) =>
  portalConfig.parse({
    projects: { rover: { members: ['carol'] } },
    gitHosts: ['git.example'],
    ...(webs && { webs }),
    experiments: join(folder, 'experiments'),
    sites: { north: { server: 'north', transport: 'bus', nodes: { one: { type: 'Rover' } } } },
  })

/** A portal, on a server that lets in only those whom it knows unless `secured` says otherwise. */
const startPortal = async (webs: readonly string[] | undefined, secured = true) => {
  const folder = temporaryFolder()
  const stop = new AbortController()
  const warnings: string[] = []
  const log = (level: string, line: string) => void (level === 'warn' && warnings.push(line))
  let apply: Parameters<Changes>[0] = async () => undefined
  const { promise: ready, resolve } = Promise.withResolvers<void>()
  const running = runPortal(
    {
      ...{ bus: await bus('portal'), host: 'portal', instance: folder, version: '0', signal: stop.signal },
      ...{ local: openLocal(join(folder, 'portal.db')), log, ready: resolve },
    },
    configOf(folder, webs),
    {
      ...{ scratch: join(folder, 'scratch'), secured },
      changes: (changed) => {
        apply = changed
      },
    },
  )
  onTestFinished(async () => {
    stop.abort()
    await running
  })
  await Promise.race([ready, running])
  const change = (now: readonly string[], more: object = {}) => apply({ ...configOf(folder, now), ...more })
  return { change, warnings }
}

let count = 0
/** What a web process asks of a portal, in the name of carol. */
const asked: Readonly<Record<string, (web: Bus) => Promise<unknown>>> = {
  'a command': (web) => {
    const address = { aggregate: 'experiment', scope: 'rover', key: `rover-${++count}a` }
    return ask(web, { address, ...created() }, { onBehalfOf: 'carol' })
  },
  'a preference': (web) => {
    const data = { occasions: [], mail: `carol-${++count}@example.org` }
    const about = { address: addressOfPerson('carol'), type: 'person.set-preferences', data }
    return ask(web, about, { onBehalfOf: 'carol' })
  },
  'a secret': (web) => {
    const text = 's3://ACCESS:SECRET@results/x?endpoint=https://s3.example.org'
    const subject = serviceOf(portalPlace, 'cloud-links', 'keep', web.principal)
    return web.request(subject, { experiment: 'rover-x1', text }, { onBehalfOf: 'carol' })
  },
  results: (web) =>
    web.request(
      serviceOf(portalPlace, 'results', 'list', web.principal),
      { experiment: 'rover-x1' },
      { onBehalfOf: 'carol' },
    ),
}

/** How that ends, whatever it was: an answer, or what was said against it. */
const said = async (act: Promise<unknown>): Promise<string> =>
  JSON.stringify(await act.catch((cause: Error) => ({ message: cause.message })))

const refusal = (host: string, webs: string) =>
  `web-${host} may not speak for carol here. Where it is trusted with that, write in the portal's file, portal.yaml: webs: [${webs}]`

test.each(
  Object.entries(asked),
)('%s in the name of somebody is taken of those web processes that the file names alone', async (_, act) => {
  const { change } = await startPortal(['hub'])
  expect(await said(act(await bus('web-hub')))).not.toContain('may not speak')
  expect(await said(act(await bus('web-eve')))).toContain(refusal('eve', 'hub, eve'))
  await change(['eve'])
  expect(await said(act(await bus('web-eve')))).not.toContain('may not speak')
  expect(await said(act(await bus('web-hub')))).toContain(refusal('hub', 'eve, hub'))
})

test('where the file names none, a web process speaks for nobody but where there are no credentials', async () => {
  const [act] = Object.values(asked)
  await startPortal(undefined)
  expect(await said(act?.(await bus('web-hub')) ?? Promise.reject())).toContain(refusal('hub', 'hub'))
})

test('where there are no credentials, any web process speaks for people unless the file names some', async () => {
  const [act] = Object.values(asked)
  await startPortal(undefined, false)
  expect(await said(act?.(await bus('web-hub')) ?? Promise.reject())).toContain('"accepted":true')
})

test('a portal warns of what of its file holds from its next start, by name', async () => {
  const { change, warnings } = await startPortal(['hub'])
  await change(['eve'])
  expect(warnings).toEqual([])
  await change(['eve'], { gitFolders: ['/srv/git'], sites: {} })
  expect(warnings).toEqual([
    'Its file has changed beside who is who: gitFolders, sites. Start the portal anew, so that this holds',
  ])
})
