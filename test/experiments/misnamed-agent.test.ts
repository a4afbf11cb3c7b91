import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { experimentDecider } from '#agents/experiments/experiment'
import { readExperiment } from '#agents/experiments/read-experiment'
import { takeSteps } from '#agents/experiments/take-steps'
import { openLocal } from '#agents/local'
import { lease } from '#bus/bus'
import { own } from '#bus/command'
import { dispatch } from '#bus/dispatcher'
import { memoryHub } from '#bus/memory'
import { openOutbox } from '#bus/outbox'
import { addressOfExperiment } from '#contracts/experiment-parts'
import type { Policy } from '#contracts/portal'
import { eventually, temporaryFolder } from '../agents/on-disk.ts'
import { node, running } from './stages.ts'
import { cancelRun, madeBy, policy, terminate } from './story.ts'

const withAgent = (agent: string): Policy => {
  const { north } = policy.sites
  return {
    ...policy,
    sites: { north: { ...north, nodes: { one: { type: 'Rover', capabilities: [], agent } } } } as never,
  }
}

test('a run on an end node that the portal’s file names wrongly waits for that to be mended, and is not lost', async () => {
  let now = withAgent('rover-oen')
  const stop = new AbortController()
  const { signal } = stop
  const hub = memoryHub({ lease })
  const portal = hub.connect('portal')
  own(
    portal,
    experimentDecider(() => now),
    'rover',
    signal,
  )
  const address = addressOfExperiment('rover-1')
  const asked = running('rover-1').events.slice(0, -1) // The last one is that it has begun.
  const events = asked.map(({ type, data }, at) => {
    const id = `rover-1.${at}`
    const about = { version: 1, source: 'portal', time: '', correlationId: id, causationId: id }
    return { ...about, id, type, data, principal: at === 0 ? 'carol' : 'portal' }
  })
  await portal.append([{ address, expectedVersion: 0, events }])
  const said: string[] = []
  const local = openLocal(join(temporaryFolder(), 'one.db'))
  const bus = hub.connect('rover-one')
  const outbox = openOutbox(local, 'rover-one')
  const log = (_: string, message: string) => void said.push(message)
  const given = { bus, host: 'rover-one', instance: 'i', local, log, outbox, signal }
  const all = [
    dispatch(portal, signal),
    outbox.send(bus, signal),
    takeSteps(given, { where: 'north', agent: 'run-one' }, async () => madeBy('run')),
  ]
  onTestFinished(async () => {
    stop.abort()
    await Promise.all(all)
  })
  const sentence = /rover-one may not start-step rover-1: .*by the portal's file north or rover-oen; trying again/
  await eventually(async () => said.some((line) => sentence.test(line)))
  expect((await readExperiment(portal, address))?.parts[node]?.run?.state).toBe('scheduled')
  now = withAgent('rover-one')
  await eventually(async () => (await readExperiment(portal, address))?.parts[node]?.run?.state === 'succeeded')
})

test('whoever may not take a step is told that it is over, once it is: nothing is kept for them', () => {
  const told = running()
  const execution = told.executionOf(told.lastAsked('run'), 2)
  const start = { type: 'experiment.start-step', data: { ...execution, host: 'south' } } as const
  expect(told.ask('south', start)).toMatchObject({ refusal: 'not-allowed' })
  told.must('carol', cancelRun).end('run', { outcome: 'cancelled', reason: 'too loud' })
  expect(told.ask('south', start)).toMatchObject({ refusal: 'ended' })
  told.must('olga', terminate)
  expect(told.ask('south', start)).toMatchObject({ refusal: 'old-attempt' })
})
