import { join } from 'node:path'
import Database from 'better-sqlite3'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { memoryBus } from '#bus/memory'
import { applier } from '#projections/apply'
import { openDatabase } from '#projections/database'
import { metadata } from '#projections/metadata'
import { allOf, rowsIn } from './rows.ts'
import { digestFor, folder, leafGraph, rootGraph, teller, watching } from './story.ts'

const parts = ['root/retraining', 'leaf/evaluation', 'leaf/plotting'] as const
const part = fc.constantFrom(...parts)
const number = fc.nat({ max: 3 })
const path = fc.constantFrom('a.txt', 'b.txt', 'c d.txt', 'ü\n.txt')
const text = fc.constantFrom('one', 'two', 'three')

/** What may happen next, however senseless: deciders refuse, facts are recorded. */
const step = fc.oneof(
  fc.record({ kind: fc.constant('define' as const), leaf: fc.boolean() }),
  fc.record({ kind: fc.constant('drop' as const), path, text }),
  fc.record({ kind: fc.constant('gone' as const), path }),
  fc.record({ kind: fc.constant('plan' as const), leaf: fc.boolean() }),
  fc.record({ kind: fc.constant('start' as const), number, part }),
  fc.record({
    kind: fc.constant('report' as const),
    number,
    part,
    outcome: fc.constantFrom('succeeded', 'failed', 'errored'),
  }),
  fc.record({ kind: fc.constant('release' as const), number }),
  fc.record({ kind: fc.constant('used' as const), path, text, number, part }),
  fc.record({
    kind: fc.constant('moved' as const),
    path,
    text,
    number,
    part,
    how: fc.constantFrom('saved', 'uploaded', 'downloaded'),
  }),
  fc.record({ kind: fc.constant('noted' as const), number, value: fc.jsonValue() }),
)

type Step = typeof step extends fc.Arbitrary<infer S> ? S : never

const tell = async (story: ReturnType<typeof teller>, given: Step): Promise<void> => {
  const { fact } = story
  const bytes = (one: { path: string; text: string }, store = 'root/haikus') => ({
    store,
    path: one.path,
    digest: digestFor(one.text),
  })
  switch (given.kind) {
    case 'define':
      return void (await story.define(given.leaf ? leafGraph : rootGraph))
    case 'drop':
      return void (await story.drop(given.path, given.text))
    case 'gone':
      return void (await fact('artifact.gone', 'root', 'haikus', { store: 'root/haikus', path: given.path }))
    case 'plan':
      return void (await story.plan(given.leaf ? [rootGraph, leafGraph] : [rootGraph]))
    case 'start':
      return void (await story.start(given.number, given.part))
    case 'report': {
      const more = given.outcome === 'succeeded' ? {} : { reason: 'no' }
      return void (await story.report(given.number, given.part, { outcome: given.outcome, ...more }))
    }
    case 'release':
      return void (await story.release(given.number))
    case 'used':
      return void (await fact('artifact.used', 'root', 'retraining', {
        ...bytes(given),
        by: story.by(given.number, given.part),
      }))
    case 'moved': {
      const peer = { saved: {}, uploaded: { from: 'leaf/models_rpc' }, downloaded: { to: 'leaf/models_rpc' } }[
        given.how
      ]
      const data = { ...bytes(given, 'root/models'), size: 3, by: story.by(given.number, given.part), ...peer }
      return void (await fact(`artifact.${given.how}`, 'root', 'models', data))
    }
    case 'noted': // Half of these break the contract.
      await fact('tracking.param-logged', 'root', 'script', {
        key: 'p',
        value: given.value,
        run: `root/${given.number}`,
      })
      return void (await fact('tracking.metric-logged', 'root', 'script', { key: 'm', value: given.value }))
  }
}

test('a rebuild gives the same rows as following did, step by step', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
      const bus = memoryBus()
      const story = teller(bus)
      const live = await watching(bus)
      for (const one of steps) await tell(story, one)
      await live.caughtUp()
      const path = join(await folder(), 'other.db')
      const afresh = await watching(bus, { path })
      await afresh.caughtUp()
      expect(live.follower.now().state).toBe('following')
      expect(rowsIn(path)).toEqual(rowsIn(live.path))
      await live.follower.rebuild()
      expect(rowsIn(live.path)).toEqual(rowsIn(path))
      await Promise.all([live.end(), afresh.end()])
    }),
    { numRuns: 40 },
  )
}, 120_000)

test('batches that overlap, in any sizes, give the same rows as one', async () => {
  const sizes = fc.infiniteStream(fc.record({ back: fc.nat({ max: 4 }), size: fc.integer({ min: 1, max: 9 }) }))
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 30 }), sizes, async (steps, batches) => {
      const bus = memoryBus()
      const story = teller(bus)
      for (const one of steps) await tell(story, one)
      const events = await allOf(bus)
      const once = join(await folder(), 'once.db')
      const often = join(await folder(), 'often.db')
      const [one, many] = [once, often].map((path) => openDatabase(path, metadata, bus.logId))
      if (!one || !many) return
      const batchOf = (from: number, to: number) => ({
        events: events.slice(from, to),
        upTo: Math.min(to, events.length),
        dropped: 0,
        pending: 0,
      })
      applier(one, metadata).apply(batchOf(0, events.length))
      const { apply } = applier(many, metadata)
      for (let at = 0; at < events.length; ) {
        const { back, size } = batches.next().value
        apply(batchOf(Math.max(0, at - back), at + size))
        at += size
      }
      one.close()
      many.close()
      expect(rowsIn(often)).toEqual(rowsIn(once))
    }),
    { numRuns: 40 },
  )
}, 120_000)

test('of what changes, one row at most holds at any position', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 40 }), async (steps) => {
      const bus = memoryBus()
      const story = teller(bus)
      for (const one of steps) await tell(story, one)
      const { path, caughtUp, end } = await watching(bus)
      await caughtUp()
      const db = new Database(path, { readonly: true })
      for (const [table, key] of [
        ['runs', 'run'],
        ['nodes', "run || ' ' || part"],
        ['artifacts', "store || ' ' || path"],
        ['graphs', 'pipeline'],
      ]) {
        const overlaps = db.prepare(
          `select count(*) from ${table} a join ${table} b on ${key?.replaceAll(/\b(run|part|store|path|pipeline)\b/g, 'a.$1')} = ${key?.replaceAll(/\b(run|part|store|path|pipeline)\b/g, 'b.$1')} and a.since < b.since and (a.until is null or a.until > b.since)`,
        )
        expect(overlaps.pluck().get()).toBe(0)
      }
      db.close()
      await end()
    }),
    { numRuns: 20 },
  )
}, 120_000)
