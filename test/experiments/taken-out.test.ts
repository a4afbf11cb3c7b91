import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { experimentDecider } from '#agents/experiments/experiment'
import { type PortalConfig, portalConfig } from '#agents/experiments/portal-config'
import { runPortal } from '#agents/experiments/portal-host'
import { readExperiment } from '#agents/experiments/read-experiment'
import { openLocal } from '#agents/local'
import { ask } from '#bus/command'
import { memoryHub } from '#bus/memory'
import { addressOfExperiment } from '#contracts/experiment-parts'
import type { Policy } from '#contracts/portal'
import type { Address } from '#contracts/subjects'
import { eventually, temporaryFolder } from '../agents/on-disk.ts'
import { node, retry, running } from './stages.ts'
import {
  cancelRun,
  created,
  decider,
  fleet,
  initiate,
  markReady,
  moveToTestbed,
  policy,
  run,
  story,
  submit,
  terminate,
} from './story.ts'

/** An experiment on a testbed whose file changes while it is under way. */
const changing = () => {
  let now: Policy = policy
  const nodes = fleet()
  const told = story(
    'rover-1',
    'rover',
    experimentDecider(() => now),
    nodes,
  )
  told.must('carol', created()).must('carol', initiate)
  const change = (more: Partial<Policy>) => {
    now = { ...policy, ...more }
  }
  return { told, nodes, change }
}
const readied = () => {
  const made = changing()
  made.told.take('fetch').take('ship').take('build').must('olga', moveToTestbed(node)).take('deliver')
  made.told.must('olga', markReady)
  return made
}
const { rover: _, ...otherProjects } = policy.projects
const { north, ...otherSites } = policy.sites

test('an experiment of a project that was taken out is brought to its end by operators and administrators', () => {
  for (const who of ['olga', 'ada']) {
    const { told, nodes, change } = readied()
    told.must('olga', run).take('probe').begin('run')
    change({ projects: otherProjects })
    for (const [asker, command] of [
      ['carol', terminate],
      ['carol', { type: 'experiment.update', data: { name: 'Another' } }],
      ['olga', initiate],
      ['olga', run],
      ['olga', moveToTestbed(node)],
    ] as const)
      expect(told.ask(asker, command)).toMatchObject({
        refusal: 'no-project',
        detail: expect.stringMatching(/^The portal's file has no project 'rover' any more: /),
      })
    told.must(who, cancelRun).end('run', { outcome: 'cancelled', reason: 'too loud' })
    told.must(who, terminate)
    expect(nodes.ownerOf(node)).toBeUndefined()
    told.must(who, { type: 'experiment.archive', data: {} })
    expect(told.state().status).toBe('archived')
  }
})

test('what was running goes on to its end, and is submitted', () => {
  const { told, change } = readied()
  told.must('olga', run).take('probe').begin('run')
  change({ projects: otherProjects })
  told.take('run').take('collect').must('ada', submit).take('pull').take('upload')
  told.must('ada', { type: 'experiment.archive', data: {} })
})

test.each([
  ['its site', { sites: otherSites }, "site 'north'"],
  [
    'its end node',
    { sites: { ...policy.sites, north: { ...north, nodes: {} } } as Policy['sites'] },
    "end node 'one' at the site 'north'",
  ],
])('a step fails, begun or not, once %s was taken out', (_, gone, words) => {
  for (const isBegun of [true, false]) {
    const { told, nodes, change } = readied()
    told.must('olga', run).take('probe')
    if (isBegun) told.begin('run')
    change(gone)
    const data = told.executionOf(told.lastAsked('run'), 2)
    told.must('portal', { type: 'experiment.start-step', data: { ...data, host: 'portal' } })
    expect(told.known().parts[node]?.run).toMatchObject({
      ...{ state: 'failed', reason: expect.stringContaining(`The portal's file has no ${words} any more: `) },
    })
    expect(told.ask('north', { type: 'experiment.beat-step', data })).toMatchObject({ refusal: 'ended' })
    expect(told.ask('olga', retry(node, 'run'))).toMatchObject({ refusal: 'gone' })
    expect(told.ask('olga', run)).toMatchObject({ refusal: 'gone' })
    expect(nodes.ownerOf(node)).toBe('rover-1')
    told.must('olga', terminate)
    expect(nodes.ownerOf(node)).toBeUndefined()
    change({})
    told.must('carol', initiate)
  }
})

const configOf = (folder: string, more: object): PortalConfig =>
  portalConfig.parse({
    operators: ['olga'],
    projects: { rover: { members: ['carol'] } },
    gitHosts: ['git.example'],
    experiments: join(folder, 'experiments'),
    sites: { north: { server: 'north', transport: 'bus', nodes: { one: { type: 'Rover' } } } },
    ...more,
  })

const startPortal = async (hub: ReturnType<typeof memoryHub>, folder: string, more: object = {}) => {
  const stop = new AbortController()
  const said: string[] = []
  const { promise: ready, resolve } = Promise.withResolvers<void>()
  const local = openLocal(join(folder, 'portal.db'))
  const started = runPortal(
    {
      ...{ bus: hub.connect('portal'), host: 'portal', instance: 'one', version: '0', signal: stop.signal, local },
      log: (_, message) => void said.push(message),
      ready: resolve,
    },
    configOf(folder, more),
    { scratch: join(folder, 'scratch') },
  )
  const end = async () => {
    stop.abort()
    await started
    if (local.open) local.close()
  }
  onTestFinished(end)
  await Promise.race([ready, started])
  return { said, end }
}

test('a portal that is started anew without them decides for all that was named before, and frees nothing by itself', async () => {
  const folder = temporaryFolder()
  const hub = memoryHub({ lease: 30_000 })
  await (await startPortal(hub, folder)).end()
  const bus = hub.connect('portal')
  const record = (address: Address, events: readonly { readonly type: string; readonly data: unknown }[]) =>
    bus.append([
      {
        address,
        expectedVersion: 0,
        events: events.map(({ type, data }, at) => {
          const id = `${address.key}.${at}`
          return {
            ...{ id, type, data, version: 1, source: 'portal', time: '', correlationId: id, causationId: id },
            principal: at === 0 ? 'carol' : 'portal',
          }
        }),
      },
    ])
  const of = addressOfExperiment('rover-1')
  const place = { aggregate: 'end-node', scope: 'north', key: 'one' }
  await record(of, running('rover-1').events)
  await record(place, [{ type: 'end-node.occupied', data: { experiment: 'rover-1' } }])

  const drone = { drone: { members: ['dave'] } }
  const { said } = await startPortal(hub, folder, { projects: drone, sites: {} })
  expect(said).toContainEqual(expect.stringMatching(/no end node north\/one any more; rover-1 has it/))
  const failed = await eventually(async () => {
    const step = (await readExperiment(bus, of))?.parts[node]?.run
    return step?.state === 'failed' && step
  })
  expect(failed.reason).toMatch(/no site 'north' any more/)
  const asked = (who: string, command: { readonly type: string; readonly data: object }) =>
    ask(hub.connect(who), { address: of, ...command })
  expect(await asked('carol', terminate)).toMatchObject({ refusal: 'no-project' })
  expect((await bus.read(place)).events).toHaveLength(1)
  expect(await asked('olga', terminate)).toMatchObject({ accepted: true })
  expect((await bus.read(place)).events.at(-1)?.type).toBe('end-node.freed')
})

test.each(['constructor', '__proto__', 'toString'])('%s is no project, no site and no end node', (name) => {
  const resource = { nodeType: 'Rover', capabilities: [], count: 1, sites: [name], hours: 1 }
  expect(story(`${name}-1`, name).ask('carol', created())).toMatchObject({ refusal: 'no-project' })
  expect(story().ask('carol', created({ resource }))).toMatchObject({ refusal: 'unknown-site' })
  const told = story('rover-1', 'rover', decider).must('carol', created()).must('carol', initiate)
  told.take('fetch').take('ship').take('build')
  for (const part of [`${name}/one`, `north/${name}`])
    expect(told.ask('olga', moveToTestbed(part))).toMatchObject({
      refusal: expect.stringMatching(/^(wrong-site|unknown-node)$/),
    })
  expect(told.ask('olga', { type: 'experiment.mark-ready', data: { sites: [name] } })).toMatchObject({
    refusal: 'wrong-site',
  })
  expect(told.ask('olga', retry(`${name}/${name}`, 'build'))).toMatchObject({ refusal: 'unknown-step' })
  expect(told.ask('olga', { type: 'experiment.package', data: { site: name } })).toMatchObject({
    refusal: 'not-shipped',
  })
})
