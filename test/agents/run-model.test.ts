import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { tellWhenDue } from '#agents/due'
import { openLocal } from '#agents/local'
import { firstEventsOf } from '#agents/pipelines/consequences'
import { dueInRuns } from '#agents/pipelines/due-in-runs'
import type { Result } from '#agents/pipelines/messages'
import { workOn } from '#agents/pipelines/node-work'
import { run } from '#agents/pipelines/run'
import { evolve, initial } from '#agents/pipelines/run-state'
import { own } from '#bus/command'
import { dispatch } from '#bus/dispatcher'
import { memoryHub } from '#bus/memory'
import { openOutbox } from '#bus/outbox'
import type { RunEvent } from '#contracts/run'
import { slow } from '../processes.ts'
import { temporaryFolder } from './on-disk.ts'
import { anyStory, expectedOf, outcomeOf, type Story } from './run-model.ts'

const seed = Number(process.env.MILLRACE_SEED ?? Math.floor(Math.random() * 2 ** 31))
const address = { aggregate: 'run', scope: 'p', key: '0' }

/** A run with owners and a host, all of which can be killed at any step. */
const stage = async ({ nodes, script }: Story) => {
  const hub = memoryHub({ lease: 60 })
  const bus = hub.connect('stage')
  const stop = new AbortController()
  const plan = { run: 0, graph: 'a'.repeat(64), trigger: { kind: 'files' as const, message: '' }, offers: [] }
  const first = firstEventsOf({ type: 'run.planned', data: { ...plan, nodes: [...nodes] } })
  const about = { version: 1, source: 's', time: '', correlationId: 'x', causationId: 'x', principal: 'x' }
  const versioned = (type: string) => (type === 'run.planned' ? 2 : 1)
  const numbered = first.map((event, at) => ({ ...about, ...event, version: versioned(event.type), id: `x-${at}` }))
  await bus.append([{ address, expectedVersion: 0, events: numbered }])

  const folder = temporaryFolder()
  /** How often each attempt has come to its end, by node. */
  const executed: string[] = []
  const execute = async (part: string, attempt: number, abort: AbortSignal): Promise<Result> => {
    await new Promise((resolve) => setTimeout(resolve, 3)) // Long enough to be killed in.
    if (abort.aborted) return { outcome: 'errored', reason: 'stopped' }
    executed.push(`${part} ${attempt}`)
    const outcome = script.get(part)?.[attempt - 1] ?? 'succeeded'
    return outcome === 'succeeded' ? { outcome } : { outcome, reason: 'as the script says' }
  }

  /** An owner, or a twin of one. */
  const owner = () => {
    const connection = hub.connect('owner')
    const { signal } = stop
    const runs = own(connection, run, 'p', signal)
    runs.served.catch(() => undefined)
    const about = { bus: connection, owner: runs, scope: 'p', dueIn: dueInRuns, say: () => undefined, signal }
    tellWhenDue(about).catch(() => undefined)
    dispatch(connection, signal).catch(() => undefined)
    return () => connection.close()
  }
  /** A host; killed, it says nothing any more, and the next one has its disk. */
  const host = (name: string) => {
    const connection = hub.connect(name)
    const db = openLocal(join(folder, `${name}.db`))
    const outbox = openOutbox(db, name)
    const { signal } = stop
    outbox.send(connection, signal).catch(() => undefined)
    for (const { part, kind } of nodes) {
      if (kind !== 'action') continue
      const given = { bus: connection, local: db, outbox, host: name, instance: name, say: () => undefined, signal }
      const doing = workOn({ ...given, execute: (_, { attempt }, abort) => execute(part, attempt, abort) }, part)
      doing.catch(() => undefined)
    }
    return () => connection.close()
  }
  const state = async () => {
    const { events } = await bus.read(address)
    const told = events.map(({ type, data }) => ({ type, data }) as RunEvent)
    return { run: told.reduce(evolve, initial), told }
  }
  return { bus, owner, host, state, executed, end: () => stop.abort() }
}

/** Waits until a run has ended, killing what runs at the drawn steps. */
const played = async (story: Story, kills: readonly ('owner' | 'host')[]) => {
  const { owner, host, state, executed, end } = await stage(story)
  let killOwner = owner()
  owner() // A twin: no decision is taken twice.
  let killHost = host('h')
  const left = [...kills]
  let seen = 0
  try {
    for (const deadline = Date.now() + 20_000; ; ) {
      const { run: now, told } = await state()
      if (now.status !== 'open') return { now, told, executed, kills: kills.length - left.length }
      if (Date.now() > deadline) throw new Error(`It did not end: ${JSON.stringify(now, undefined, 1)}`)
      if (told.length > seen + 1 && left.length > 0) {
        seen = told.length
        if (left.shift() === 'owner') {
          await killOwner()
          killOwner = owner()
        } else {
          await killHost()
          killHost = host('h')
        }
      }
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
  } finally {
    end()
  }
}

test(`any run ends as a model of it does, whoever is killed meanwhile (MILLRACE_SEED=${seed})`, async () => {
  let killed = 0
  await fc.assert(
    fc.asyncProperty(
      anyStory(slow ? 12 : 7),
      fc.array(fc.constantFrom('owner' as const, 'host' as const), { maxLength: slow ? 8 : 3 }),
      async (story, kills) => {
        const { now, told, executed, kills: done } = await played(story, kills)
        killed += done
        const expected = expectedOf(story)
        const ended = [...expected.keys()].map((part) => {
          const node = now.nodes[part]
          return [part, node?.state === 'failed' ? node.outcome : node?.state, node?.attempt]
        })
        expect(ended).toEqual([...expected].map(([part, { state, tries }]) => [part, state, tries]))
        expect(now.status).toBe(outcomeOf(expected))
        // Each attempt has one end, and what has ended is not begun again.
        const ends = told.flatMap((event) =>
          event.type === 'run.node-succeeded' || event.type === 'run.node-failed'
            ? [`${event.data.part} ${event.data.attempt}`]
            : [],
        )
        expect(new Set(ends).size).toBe(ends.length)
        const begunAfter = told.filter((event, at) => {
          if (event.type !== 'run.node-started') return false
          const key = `${event.data.part} ${event.data.attempt}`
          return told.slice(0, at).some((one) => 'data' in one && isEndOf(one, key))
        })
        expect(begunAfter).toEqual([])
        expect(new Set(executed)).toEqual(new Set(ends))
      },
    ),
    { seed, numRuns: slow ? 400 : 40 },
  )
  expect(killed).toBeGreaterThan(slow ? 200 : 10)
}, 600_000)

const isEndOf = (event: RunEvent, key: string): boolean =>
  (event.type === 'run.node-succeeded' || event.type === 'run.node-failed') &&
  `${event.data.part} ${event.data.attempt}` === key

test('a model and the deciders agree on any run, in any order of reports', () => {
  fc.assert(
    fc.property(anyStory(12), fc.infiniteStream(fc.nat()), (story, choices) => {
      const plan = { run: 0, graph: 'a'.repeat(64), trigger: { kind: 'files' as const, message: '' }, offers: [] }
      let now = firstEventsOf({ type: 'run.planned', data: { ...plan, nodes: [...story.nodes] } }).reduce(
        evolve,
        initial,
      )
      const ask = (type: string, data: object): void => {
        const decision = run.decide({ type, data, id: 'x', key: '0', scope: 'p' } as never, now, [])
        if (!decision.accepted) throw new Error(decision.detail)
        now = decision.events.reduce(evolve, now)
      }
      for (;;) {
        const ready = Object.entries(now.nodes).filter(([, { state }]) => state === 'scheduled' || state === 'retrying')
        const drawn = ready[(choices.next().value ?? 0) % Math.max(1, ready.length)]
        if (!drawn) break
        const [part, { state, attempt }] = drawn
        if (state === 'retrying') {
          ask('run.retry-node', { part, attempt: attempt + 1 })
          continue
        }
        const execution = { part, attempt, delivery: 1, instance: 'i' }
        ask('run.start-node', { ...execution, host: 'h' })
        const outcome = story.script.get(part)?.[attempt - 1] ?? 'succeeded'
        ask('run.report-node', {
          ...execution,
          result: outcome === 'succeeded' ? { outcome } : { outcome, reason: 'r' },
        })
      }
      const expected = expectedOf(story)
      expect(now.status).toBe(outcomeOf(expected))
      for (const [part, { state, tries }] of expected) {
        const node = now.nodes[part]
        expect([node?.state === 'failed' ? node.outcome : node?.state, node?.attempt]).toEqual([state, tries])
      }
    }),
    { seed, numRuns: 1000 },
  )
})
