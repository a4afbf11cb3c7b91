import { expect, test } from 'vitest'
import { pipelineDecider } from '#agents/pipelines/pipeline'
import type { Bus } from '#bus/bus'
import { ask, commandFrom, own } from '#bus/command'
import { ownerOf } from '#bus/handle'
import { memoryHub } from '#bus/memory'

const address = { aggregate: 'pipeline', scope: 'root', key: 'self' }
const define = {
  address,
  type: 'pipeline.define',
  data: {
    graph: { pipeline: 'root', nodes: [{ name: 'metadata', kind: 'metadata-store', after: [], next: [] }] },
    digest: 'd'.repeat(64),
  },
}
const start = { address, type: 'pipeline.start', data: { message: 'please' } }

/** A bus whose appends are stored, but whose answer is lost the first `times` times. */
const forgetful = (bus: Bus, times: number): Bus => {
  let left = times
  return {
    ...bus,
    append: async (appends) => {
      const stored = await bus.append(appends)
      return left-- > 0 ? 'conflict' : stored
    },
  }
}

test('records what is decided, and answers with where it lies', async () => {
  const bus = memoryHub().connect('owner')
  const { handle } = ownerOf(bus, pipelineDecider)
  await handle(address, commandFrom(define, 'somebody'))
  const answer = await handle(address, commandFrom(start, 'somebody'))
  const { events } = await bus.read(address)
  expect(answer).toEqual({ accepted: true, position: events[1]?.position, events: ['pipeline.run-requested'] })
  expect(events.map(({ type, principal }) => [type, principal])).toEqual([
    ['pipeline.defined', 'somebody'],
    ['pipeline.run-requested', 'somebody'],
  ])
})

test('finds its own events after a doubt, and does not decide again', async () => {
  const bus = memoryHub().connect('owner')
  const { handle } = ownerOf(forgetful(bus, 2), pipelineDecider)
  await handle(address, commandFrom(define, 'somebody'))
  const answer = await handle(address, commandFrom(start, 'somebody'))
  const { events } = await bus.read(address)
  expect(events.map(({ type }) => type)).toEqual(['pipeline.defined', 'pipeline.run-requested'])
  expect(answer).toEqual({ accepted: true, position: events[1]?.position, events: ['pipeline.run-requested'] })
})

test('gives an accepted command its first answer, and decides a refused one anew', async () => {
  const bus = memoryHub().connect('owner')
  const { handle } = ownerOf(bus, pipelineDecider)
  const early = commandFrom(start, 'somebody')
  expect(await handle(address, early)).toMatchObject({ accepted: false, refusal: 'undefined' })
  await handle(address, commandFrom(define, 'somebody'))
  const first = await handle(address, early)
  expect(first).toMatchObject({ accepted: true })
  expect(await handle(address, early)).toEqual(first)
  expect((await bus.read(address)).events).toHaveLength(2)
})

test('two owners agree: what one records, the other sees before it refuses', async () => {
  const hub = memoryHub()
  const [one, two] = [ownerOf(hub.connect('one'), pipelineDecider), ownerOf(hub.connect('two'), pipelineDecider)]
  expect(await two.handle(address, commandFrom(start, 'x'))).toMatchObject({ accepted: false })
  await one.handle(address, commandFrom(define, 'x'))
  expect(await two.handle(address, commandFrom(start, 'x'))).toMatchObject({ accepted: true })
})

test('what an owner recorded itself is not read again, and what it decides on is what would be read', async () => {
  const bus = memoryHub().connect('owner')
  let reads = 0
  const counting: Bus = {
    ...bus,
    read: (...asked) => {
      reads++
      return bus.read(...asked)
    },
  }
  const { handle, current } = ownerOf(counting, pipelineDecider)
  await handle(address, commandFrom(define, 'somebody'))
  const before = reads
  for (let n = 0; n < 5; n++)
    expect(await handle(address, commandFrom(start, 'somebody'))).toMatchObject({ accepted: true })
  expect(reads).toBe(before)
  expect((await current(address)).state).toEqual((await ownerOf(bus, pipelineDecider).current(address)).state)
})

test('however often an aggregate is looked at while something is recorded, a command has one answer', async () => {
  const bus = memoryHub().connect('owner')
  const { handle, current } = ownerOf(bus, pipelineDecider)
  const command = commandFrom(define, 'somebody')
  await Promise.all([handle(address, command), current(address), current(address), current(address)])
  await Promise.all([current(address), current(address)])
  expect(await handle(address, command)).toMatchObject({ accepted: true, events: ['pipeline.defined'] })
})

test('an owner that knows less than was recorded refuses nothing for that, and says of nothing that it holds already', async () => {
  const hub = memoryHub()
  const [one, two] = [ownerOf(hub.connect('one'), pipelineDecider), ownerOf(hub.connect('two'), pipelineDecider)]
  const pause = { address, type: 'pipeline.pause', data: { reason: 'lunch' } }
  const resume = { address, type: 'pipeline.resume', data: {} }
  await one.handle(address, commandFrom(define, 'x'))
  expect(await two.handle(address, commandFrom(pause, 'x'))).toMatchObject({ events: ['pipeline.paused'] })
  await one.handle(address, commandFrom(resume, 'x'))
  expect(await two.handle(address, commandFrom(pause, 'x'))).toMatchObject({ events: ['pipeline.paused'] })
  expect(await one.handle(address, commandFrom(resume, 'x'))).toMatchObject({ events: ['pipeline.resumed'] })
})

test('many commands at once, over two owners, are each recorded once', async () => {
  const hub = memoryHub()
  const owners = ['one', 'two'].map((name) => ownerOf(hub.connect(name), pipelineDecider))
  await owners[0]?.handle(address, commandFrom(define, 'x'))
  const answers = await Promise.all(
    Array.from({ length: 40 }, (_, i) => owners[i % 2]?.handle(address, commandFrom(start, `p${i}`))),
  )
  expect(answers.every((answer) => answer?.accepted)).toBe(true)
  const { events } = await hub.connect('reader').read(address)
  expect(new Set(events.map(({ principal }) => principal)).size).toBe(41)
})

test('passes over an event that does not keep its contract, and still appends behind it', async () => {
  const bus = memoryHub().connect('owner')
  const { handle } = ownerOf(bus, pipelineDecider)
  await handle(address, commandFrom(define, 'x'))
  const [defined] = (await bus.read(address)).events
  if (!defined) throw new Error('not defined')
  const { address: _, sequence, position: __, storedAt: ___, ...event } = defined
  await bus.append([
    { address, expectedVersion: sequence, events: [{ ...event, id: 'strange-0', data: { version: 'x' } }] },
  ])
  expect(await handle(address, commandFrom(start, 'x'))).toMatchObject({ accepted: true })
})

test('a command with wrong data is refused by the asker, with the path of the field', async () => {
  const bus = memoryHub().connect('asker')
  await expect(
    ask(bus, { address, type: 'pipeline.release', data: { run: 'first', outcome: 'succeeded' } }),
  ).rejects.toThrow(/pipeline\.release breaks its contract: run: /)
})

test('the principal is the one the subject says, and a verb can be asked on its own subject only', async () => {
  const hub = memoryHub()
  const stop = new AbortController()
  const { served } = own(hub.connect('owner'), pipelineDecider, 'root', stop.signal)
  const asker = hub.connect('script')
  await ask(asker, define)
  const [event] = (await asker.read(address)).events
  expect(event?.principal).toBe('script')
  const body = { ...define, id: 'x', key: 'self', type: 'pipeline.define' }
  await expect(asker.request('commands.pipeline.root.start.script', body)).rejects.toThrow(/expected pipeline\.start/)
  stop.abort()
  await served
})

test('a trace context goes from the asker into what is recorded, and from there on; anything else does not', async () => {
  const hub = memoryHub()
  const stop = new AbortController()
  const { handle, served } = own(hub.connect('owner'), pipelineDecider, 'root', stop.signal)
  const asker = hub.connect('script')
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
  await ask(asker, { ...define, traceparent })
  const [event] = (await asker.read(address)).events
  expect(event?.traceparent).toBe(traceparent)
  await handle(address, commandFrom({ ...start, causedBy: event }, 'owner'))
  await ask(asker, { ...start, traceparent: 'made up' })
  const [, caused, odd] = (await asker.read(address)).events
  expect(caused).toMatchObject({ traceparent, causationId: event?.id })
  expect(odd).not.toHaveProperty('traceparent')
  stop.abort()
  await served
})
