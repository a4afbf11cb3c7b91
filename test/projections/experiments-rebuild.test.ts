import { join } from 'node:path'
import Database from 'better-sqlite3'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Bus } from '#bus/bus'
import { memoryBus } from '#bus/memory'
import type { ExperimentCommand } from '#contracts/experiment-commands'
import { steps } from '#contracts/experiment-parts'
import { applier } from '#projections/apply'
import { openDatabase } from '#projections/database'
import { metadata } from '#projections/metadata'
import {
  cancelRun,
  initiate,
  markReady,
  moveToTestbed,
  policy,
  run,
  submitPartial,
  terminate,
} from '../experiments/story.ts'
import { experimentTeller } from './experiment-story.ts'
import { allOf, rowsIn } from './rows.ts'
import { folder, watching } from './story.ts'

const ids = ['rover-aaa', 'rover-bbb', 'strict-ccc'] as const
const id = fc.constantFrom(...ids)
const person = fc.constantFrom('carol', 'carol', 'olga', 'olga', 'ada', 'mia', 'stranger')

const command = fc.constantFrom<ExperimentCommand>(
  initiate,
  initiate,
  moveToTestbed('north/one'),
  moveToTestbed('north/two'),
  markReady,
  run,
  cancelRun,
  submitPartial,
  terminate,
  { type: 'experiment.approve', data: { reason: 'fine' } },
  { type: 'experiment.update', data: { name: 'Another', description: 'more' } },
  { type: 'experiment.set-experimenters', data: { experimenters: ['mia'] } },
  { type: 'experiment.retry', data: { part: 'north/self', step: 'build' } },
  { type: 'experiment.archive', data: {} },
)

/** What may happen next, however senseless: deciders refuse. */
const step = fc.oneof(
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('create' as const), id }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('define' as const), small: fc.boolean() }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('ask' as const), id, person, command }) },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('take' as const),
      id,
      step: fc.constantFrom(...steps),
      well: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('further' as const), id }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('begin' as const), id, step: fc.constantFrom(...steps) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reserve' as const), day: fc.integer({ min: 1, max: 9 }) }) },
)
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never

const small = { ...policy, sites: { south: policy.sites.south as NonNullable<(typeof policy.sites)['south']> } }

const telling = async (bus: Bus) => {
  const story = experimentTeller(bus)
  await story.define()
  return async (given: Step): Promise<void> => {
    switch (given.kind) {
      case 'create':
        return story.create(given.id).catch(() => undefined)
      case 'define':
        return story.define(given.small ? small : policy)
      case 'ask':
        return void (await story.ask(given.id, given.person, given.command))
      case 'take':
        return void (await (given.well ? story.take : story.fail)(given.id, given.step).catch(() => undefined))
      case 'further': // The way on, as far as it goes.
        for (const one of steps) await story.take(given.id, one).catch(() => undefined)
        for (const one of [moveToTestbed('north/one'), markReady, run, submitPartial])
          await story.ask(given.id, 'olga', one)
        return undefined
      case 'begin':
        await story.begin(given.id, given.step)
        return void (await story.begin(given.id, given.step, undefined, 2))
      case 'reserve': {
        const span = { from: `2096-01-0${given.day}T00:00:00Z`, until: `2096-01-0${given.day}T12:00:00Z` }
        const data = { reservation: `r${given.day}`, project: 'rover', ...span, note: '' }
        return void (await story.onNode('north/one', 'olga', { type: 'end-node.reserve', data }))
      }
    }
  }
}

const stories = fc.array(step, { minLength: 8, maxLength: 40 })
const first: readonly Step[] = ids.map((one) => ({ kind: 'create', id: one }))

test('of experiments a rebuild gives the same rows as following did, step by step', async () => {
  await fc.assert(
    fc.asyncProperty(stories, async (given) => {
      const bus = memoryBus()
      const live = await watching(bus)
      const tell = await telling(bus)
      for (const one of [...first, ...given]) await tell(one)
      await live.caughtUp()
      const path = join(await folder(), 'other.db')
      const afresh = await watching(bus, { path })
      await afresh.caughtUp()
      expect(live.follower.now().state).toBe('following')
      expect(rowsIn(path)).toEqual(rowsIn(live.path))
      expect(rowsIn(path).rejected).toEqual([])
      await live.follower.rebuild()
      expect(rowsIn(live.path)).toEqual(rowsIn(path))
      await Promise.all([live.end(), afresh.end()])
    }),
    { numRuns: 15 },
  )
}, 120_000)

test('of experiments, batches that overlap give the same rows, and one row at most holds at any position', async () => {
  const sizes = fc.infiniteStream(fc.record({ back: fc.nat({ max: 4 }), size: fc.integer({ min: 1, max: 9 }) }))
  await fc.assert(
    fc.asyncProperty(stories, sizes, async (given, batches) => {
      const bus = memoryBus()
      const tell = await telling(bus)
      for (const one of [...first, ...given]) await tell(one)
      const events = await allOf(bus)
      const paths = [join(await folder(), 'once.db'), join(await folder(), 'often.db')]
      const [once, often] = paths.map((path) => openDatabase(path, metadata, bus.logId))
      if (!once || !often) return
      const batchOf = (from: number, to: number) => ({
        events: events.slice(from, to),
        upTo: Math.min(to, events.length),
        ...{ dropped: 0, pending: 0 },
      })
      applier(once, metadata).apply(batchOf(0, events.length))
      const { apply } = applier(often, metadata)
      for (let at = 0; at < events.length; ) {
        const { back, size } = batches.next().value
        apply(batchOf(Math.max(0, at - back), at + size))
        at += size
      }
      once.close()
      often.close()
      expect(rowsIn(paths[1] ?? '')).toEqual(rowsIn(paths[0] ?? ''))
      const db = new Database(paths[0] ?? '', { readonly: true })
      for (const [table, ...key] of [
        ['experiments', 'experiment'],
        ['experiment_parts', 'experiment', 'part'],
        ['experiment_waits', 'experiment', 'wait'],
        ['experiment_steps', 'experiment', 'attempt', 'part', 'step', 'try', 'delivery'],
        ['end_nodes', 'part'],
        ['reservations', 'part', 'reservation'],
      ]) {
        const same = key.map((column) => `a."${column}" = b."${column}"`).join(' and ')
        const overlaps = `select count(*) from ${table} a join ${table} b on ${same} and a.since < b.since and (a.until is null or a.until > b.since)`
        expect([table, db.prepare(overlaps).pluck().get()]).toEqual([table, 0])
      }
      db.close()
    }),
    { numRuns: 15 },
  )
}, 120_000)
