import { cpSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { portalConfig } from '#agents/experiments/portal-config'
import { runPortal } from '#agents/experiments/portal-host'
import { readExperiment } from '#agents/experiments/read-experiment'
import { takeSteps } from '#agents/experiments/take-steps'
import { openLocal } from '#agents/local'
import { linkOf, withSecret } from '#agents/uploads/link-of'
import { targetOf } from '#agents/uploads/target-of'
import type { Bus } from '#bus/bus'
import { memoryHub } from '#bus/memory'
import { openOutbox } from '#bus/outbox'
import { addressOfExperiment } from '#contracts/experiment-parts'
import { eventually, temporaryFolder } from '../agents/on-disk.ts'
import { mayServeS3, startS3 } from '../s3-server.ts'
import { layWire } from './proxy.ts'
import { here, layResults } from './results.ts'
import { node, running, succeeded } from './stages.ts'
import { cancelRun, created, initiate, markReady, moveToTestbed, run, story, submit } from './story.ts'

const record = (bus: Bus, key: string, { events }: ReturnType<typeof story>) =>
  bus.append([
    {
      address: addressOfExperiment(key),
      expectedVersion: 0,
      events: events.map(({ type, data }, at) => {
        const id = `${key}.${at}`
        const cause = { correlationId: id, causationId: id }
        return { ...{ id, type, data, version: 1, source: 'portal', time: '' }, ...cause, principal: 'carol' }
      }),
    },
  ])

const readied = () => {
  const told = story('rover-5')
    .must('carol', created())
    .must('carol', initiate)
    .take('fetch')
    .take('ship')
    .take('build')
  return told.must('olga', moveToTestbed(node)).take('deliver').must('olga', markReady)
}

test('what a dropped run has left is removed in a hundred tries at most, and then told of', async () => {
  const hub = memoryHub({ lease: 30_000 })
  const told = running().must('olga', cancelRun)
  const execution = told.executionOf(told.lastAsked('run'))
  await record(hub.connect('portal'), 'rover-1', told)
  const stop = new AbortController()
  const folder = temporaryFolder()
  const local = openLocal(join(folder, 'host.db'))
  const bus = hub.connect('north')
  const [event] = (await bus.read(addressOfExperiment('rover-1'))).events.filter(({ type, data }) =>
    JSON.stringify([type, data]).includes('"agent":"run-one"'),
  )
  if (!event) throw new Error('Nobody has asked for the run')
  await bus.put([{ where: 'north', agent: execution.agent, event }])
  // The tries before are not waited for.
  const late: Bus = {
    ...bus,
    request: async () => ({ accepted: false, refusal: 'ended', detail: 'It was cancelled' }),
    take: (where, agent, handle, options) =>
      bus.take(where, agent, (piece) => handle({ ...piece, delivery: piece.delivery + 98 }), options),
  }
  const said: string[] = []
  let tries = 0
  const taking = takeSteps(
    {
      ...{ bus: late, host: 'north', instance: 'one', local, outbox: openOutbox(local, 'north'), signal: stop.signal },
      log: (_, line) => void said.push(line),
    },
    { where: 'north', agent: execution.agent },
    async () => ({ failed: 'It is not taken' }),
    { drop: () => Promise.reject(new Error(`no engine answers, the ${++tries}. time`)) },
  )
  onTestFinished(async () => {
    stop.abort()
    await taking
    local.close()
  })
  const [letter] = await eventually(async () => {
    const letters = await bus.dead()
    return letters.length > 0 && letters
  })
  expect(tries).toBe(2)
  expect(letter?.reason).toBe('What is left of it could not be removed in 100 tries: no engine answers, the 2. time')
  expect(said).toContainEqual(expect.stringMatching(/could not be removed.*See: millrace dead/))
})

test('no run waits for the uploads of others', async () => {
  const silent = createServer(() => undefined).listen(0, '127.0.0.1')
  await eventually(async () => silent.listening)
  const sockets = new Set<{ destroy: () => unknown }>()
  silent.on('connection', (socket) => sockets.add(socket.on('error', () => undefined)))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    silent.close()
  })
  const cloudLink = { kind: 'webdav' as const, url: `http://127.0.0.1:${(silent.address() as AddressInfo).port}/dav` }
  const folder = temporaryFolder()
  const hub = memoryHub({ lease: 30_000 })
  const bus = hub.connect('portal')
  layResults(folder, { 'a.txt': 'one' })
  const keys = ['rover-1', 'rover-2', 'rover-3', 'rover-4']
  for (const key of keys) {
    const told = running(key).must('carol', { type: 'experiment.set-cloud-link', data: { cloudLink } })
    await record(bus, key, told.end('run', succeeded).take('collect').must('olga', submit).take('pull'))
    cpSync(join(folder, 'north/one'), join(folder, 'experiments/north', key, 'results/one/1-1'), { recursive: true })
  }
  const config = portalConfig.parse({
    ...{ operators: ['olga'], projects: { rover: { members: ['carol'] } } },
    ...{ experiments: join(folder, 'experiments'), directories: join(folder, 'directories') },
    uploads: { privateHosts: ['127.0.0.1'] },
    sites: { north: { server: 'north', transport: 'bus', nodes: { one: { type: 'Rover' } } } },
  })
  const stop = new AbortController()
  const local = openLocal(join(folder, 'portal.db'))
  const hosting = {
    bus,
    host: 'portal',
    instance: 'one',
    version: '0',
    signal: stop.signal,
    local,
    log: () => undefined,
  }
  const portal = runPortal(hosting, config, { scratch: join(folder, 'scratch') })
  onTestFinished(async () => {
    stop.abort()
    await portal
    local.close()
  })
  const stateOf = async (key: string, step: 'upload' | 'probe') =>
    (await readExperiment(bus, addressOfExperiment(key)))?.parts['north/self']?.[step]?.state
  for (const key of keys) await eventually(async () => (await stateOf(key, 'upload')) === 'running')
  await record(bus, 'rover-5', readied().must('olga', run))
  await eventually(async () => (await stateOf('rover-5', 'probe')) === 'succeeded')
  for (const key of keys) expect(await stateOf(key, 'upload')).toBe('running')
})

test.runIf(mayServeS3)('connections to a bucket are let go of once it is not used any more', async () => {
  const server = await startS3(temporaryFolder(), ['results'])
  onTestFinished(async () => void (await server.stop()))
  const wire = await layWire(Number(new URL(server.endpoint).port))
  onTestFinished(() => wire.stop())
  const { accessKeyId, secretAccessKey } = server.credentials
  const text = `s3://${accessKeyId}:${secretAccessKey}@results?endpoint=http://127.0.0.1:${wire.port}`
  const { link, secret } = linkOf(text)
  const target = await targetOf(withSecret(link, 'key'), secret, { directories: undefined, reach: here })
  await target.probe(AbortSignal.timeout(10_000))
  expect(wire.open()).toBeGreaterThan(0)
  target.close?.()
  await expect.poll(() => wire.open()).toBe(0)
})
