import { describe, expect, test } from 'vitest'
import { endNodeDecider, endNodeOf } from '#agents/experiments/end-node'
import type { Commanded } from '#bus/decider'
import type { EndNodeCommand } from '#contracts/end-node'
import { builtAtBoth, far, node, readyAtBoth, resource, retry, running, site, succeeded } from './stages.ts'
import {
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

describe('end nodes', () => {
  test('belong to one experiment until it is submitted or terminated', () => {
    const nodes = fleet()
    const first = running('rover-1', nodes)
    const build = (key: string) =>
      story(key, 'rover', decider, nodes).must('carol', created()).must('carol', initiate).take('fetch').take('ship')
    const second = build('rover-2').take('build')
    expect(second.ask('olga', moveToTestbed(node))).toMatchObject({
      ...{ refusal: 'occupied', detail: `${node} is not free: experiment rover-1 has it, given by olga at 00:00 UTC` },
    })
    first.end('run', succeeded).take('collect').must('olga', submit)
    expect(nodes.ownerOf(node)).toBeUndefined()
    second.must('olga', moveToTestbed(node))
    expect(nodes.ownerOf(node)).toBe('rover-2')
    second.must('olga', terminate)
    expect(nodes.ownerOf(node)).toBeUndefined()
  })

  test('of another site are no matter where it is run at one alone', () => {
    const nodes = fleet()
    const told = readyAtBoth(story('rover-1', 'rover', decider, nodes))
    const address = { aggregate: 'end-node', scope: 'south', key: 'four' }
    const [from, until] = ['1970-01-01T00:00:00Z', '1970-01-01T03:00:00Z']
    const data = { reservation: 'a', project: 'strict', from, until, note: '' }
    nodes.record({ address, expectedVersion: 1, events: [{ type: 'end-node.reserved', data }] })
    expect(told.ask('olga', run)).toMatchObject({ refusal: 'reserved' })
    told.must('olga', { type: 'experiment.run', data: { sites: ['north'] } })
  })

  test('are taken and freed by whose they are alone, though another site of theirs goes on', () => {
    const nodes = fleet()
    const told = builtAtBoth(story('rover-1', 'rover', decider, nodes)).must('olga', moveToTestbed(node))
    const both = told.ask('olga', moveToTestbed(node, far))
    expect(both.accepted && both.also?.map(({ address }) => address.key)).toEqual(['four'])
    told.take('deliver', node).take('deliver', far).must('olga', markReady)
    told
      .must('olga', { type: 'experiment.run', data: { sites: ['north'] } })
      .take('probe', site)
      .take('run', node)
    told
      .take('collect', node)
      .must('olga', { type: 'experiment.submit', data: { sites: ['north'], acceptPartial: false } })
    told.take('pull', site).take('upload', site)
    expect([nodes.ownerOf(node), nodes.ownerOf(far)]).toEqual([undefined, 'rover-1'])
    const second = story('rover-2', 'rover', decider, nodes).must('carol', created()).must('carol', initiate)
    second.take('fetch').take('ship').take('build').must('olga', moveToTestbed(node))
    told.must('olga', terminate)
    expect([nodes.ownerOf(node), nodes.ownerOf(far)]).toEqual(['rover-2', undefined])
  })

  test('that were promised to another project meanwhile are not run on while that lasts', () => {
    const nodes = fleet()
    const address = { aggregate: 'end-node', scope: 'north', key: 'one' }
    const told = story('rover-1', 'rover', decider, nodes)
      .must('carol', created({ resource: { ...resource, sites: ['north'], hours: 2 } }))
      .must('carol', initiate)
    told.take('fetch').take('ship').take('build').must('olga', moveToTestbed(node)).take('deliver')
    told.must('olga', markReady)
    const [from, until] = ['1970-01-01T01:00:00Z', '1970-01-01T03:00:00Z']
    const data = { reservation: 'a', project: 'strict', from, until, note: '' }
    const { version } = nodes.near(address)
    nodes.record({ address, expectedVersion: version, events: [{ type: 'end-node.reserved', data }] })
    expect(told.ask('olga', run)).toMatchObject({ refusal: 'reserved' })
    const ended = { type: 'end-node.unreserved', data: { reservation: 'a', reason: 'rain' } }
    nodes.record({ address, expectedVersion: version + 1, events: [ended] })
    told.must('olga', run)
    // While it waits for its node somebody else is promised that, and has it.
    told.take('probe')
    nodes.record({ address, expectedVersion: version + 2, events: [{ type: 'end-node.reserved', data }] })
    told.begin('run')
    expect(told.events.at(-1)).toMatchObject({
      ...{
        type: 'experiment.step-failed',
        data: { how: 'failed', reason: expect.stringMatching(/kept free for strict/) },
      },
    })
    for (const again of [run, retry(node, 'run')])
      expect(told.ask('olga', again)).toMatchObject({ refusal: 'reserved' })
    nodes.record({ address, expectedVersion: version + 3, events: [ended] })
    told.must('olga', retry(node, 'run')).begin('run')
    nodes.record({ address, expectedVersion: version + 4, events: [{ type: 'end-node.reserved', data }] })
    const taken = { ...told.executionOf(told.lastAsked('run'), 2), host: 'north' }
    expect(told.ask('north', { type: 'experiment.start-step', data: taken })).toMatchObject({ accepted: true })
    expect(told.known().parts[node]?.run?.state).toBe('running') // What runs there goes on, whoever takes it over.
  })

  test('on which an experiment runs are promised to others only from the time on at which that is over at the latest', () => {
    const endNode = endNodeDecider(() => policy)
    const nodes = fleet()
    const told = running('rover-1', nodes)
    const at = Date.parse('2026-01-01T00:30:00Z')
    const events = () =>
      told.events.map((event, index) => ({
        ...event,
        ...{ id: `${index}`, version: 1, source: '', time: '', principal: 'carol', correlationId: '', causationId: '' },
        ...{ address: { aggregate: 'experiment', scope: 'rover', key: 'rover-1' }, position: `log.${index + 1}` },
        ...{ sequence: index + 1, storedAt: Date.parse('2026-01-01T00:00:00Z') },
      }))
    const ask = (project: string, from: string) => {
      const data = { reservation: 'a', project, from, until: '2026-01-01T09:00:00Z', note: '' }
      const asked = { type: 'end-node.reserve', id: 'a', scope: 'north', key: 'one', principal: 'olga', at, data }
      const command = asked as Commanded<EndNodeCommand>
      const state = endNodeOf(nodes.near({ aggregate: 'end-node', scope: 'north', key: 'one' }).events)
      const near = (endNode.near?.(command, state) ?? []).map((address) => ({ address, events: events(), version: 1 }))
      return endNode.decide(command, state, near)
    }
    expect(ask('strict', '2026-01-01T00:59:00Z')).toEqual({
      accepted: false,
      refusal: 'occupied',
      detail: expect.stringMatching(/^rover-1 runs on north\/one, until 2026-01-01T01:00:00.000Z at the latest/),
    })
    expect(ask('strict', '2026-01-01T01:00:00Z')).toMatchObject({ accepted: true, note: expect.any(String) })
    expect(ask('rover', '2026-01-01T00:59:00Z')).toMatchObject({ accepted: true })
    told.end('run', succeeded).take('collect')
    expect(ask('strict', '2026-01-01T00:59:00Z')).toMatchObject({
      accepted: true,
      note: expect.stringMatching(/^rover-1 has north\/one until it is submitted or terminated/),
    })
    told.must('olga', submit)
    expect(ask('strict', '2026-01-01T00:59:00Z')).not.toHaveProperty('note')
  })

  test('are kept free for a project, for spans that do not overlap', () => {
    const endNode = endNodeDecider(() => policy)
    const address = { aggregate: 'end-node', scope: 'north', key: 'one' }
    const nodes = fleet()
    const ask = (reservation: string, from: string, until: string, more: object = {}) => {
      const command = {
        ...{ type: 'end-node.reserve', id: reservation, scope: 'north', key: 'one', principal: 'olga', at: 0 },
        data: { reservation, project: 'strict', from, until, note: '' },
        ...more,
      } as Commanded<EndNodeCommand>
      const { events, version } = nodes.near(address)
      const decision = endNode.decide(command, endNodeOf(events), [])
      if (!decision.accepted) return decision.refusal
      if (decision.events.length > 0) nodes.record({ address, expectedVersion: version, events: decision.events })
      return decision.events.length
    }
    const [morning, noon, evening] = ['1970-01-01T01:00:00Z', '1970-01-01T03:00:00Z', '1970-01-01T05:00:00Z']
    expect(ask('a', morning, evening)).toBe(1)
    expect(ask('a', morning, evening)).toBe(0)
    expect(ask('a', morning, noon)).toBe('taken')
    expect(ask('b', noon, evening)).toBe('reserved')
    expect(ask('c', evening, '1970-02-01T05:00:01Z')).toBe('too-long')
    expect(ask('c', evening, evening)).toBe('bad-span')
    const far = {
      data: { reservation: 'c', project: 'nowhere', from: evening, until: '1970-01-01T06:00:00Z', note: '' },
    }
    expect(ask('c', evening, evening, far)).toBe('unknown-project')
    expect(ask('c', evening, '1970-01-01T06:00:00Z', { key: 'nine' })).toBe('unknown')
    const free = (reservation: string, principal = 'olga') =>
      ask('c', '', '', { type: 'end-node.unreserve', principal, data: { reservation, reason: '' } })
    expect(ask('d', '1970-01-02T00:00:00Z', '1970-01-03T00:00:00Z')).toBe(1)
    expect([free('d', 'carol'), free('d'), free('d'), free('c')]).toEqual(['not-allowed', 1, 0, 0])
    expect(ask('b', evening, '1970-01-01T06:00:00Z')).toBe(1)
    expect(ask('c', noon, morning)).toBe('bad-span')
    expect(ask('c', morning, noon, { principal: 'carol' })).toBe('not-allowed')
    expect(ask('c', morning, noon, { at: Date.parse(evening) })).toBe('past')
    const told = story('rover-1', 'rover', decider, nodes)
      .must('carol', created({ resource: { ...resource, sites: ['north'], hours: 2 } }))
      .must('carol', initiate)
    told.take('fetch').take('ship').take('build')
    expect(told.ask('olga', moveToTestbed(node))).toMatchObject({ refusal: 'reserved' })
    const own = story('strict-1', 'strict', decider, nodes)
      .must('carol', created({ resource: { ...resource, sites: ['north'], hours: 2 } }))
      .must('ada', { type: 'experiment.approve', data: { reason: '' } })
      .must('carol', initiate)
    own.take('fetch').take('ship').take('build').must('olga', moveToTestbed(node))
    expect(nodes.ownerOf(node)).toBe('strict-1')
  })
})
