import { expect, test } from 'vitest'
import type { Bus } from '#bus/bus'
import { dispatch } from '#bus/dispatcher'
import { faults } from '#bus/fault'
import { memoryHub } from '#bus/memory'
import { commandOfWork, recordScheduled } from './scheduled.ts'

test('work that the server has no room for is put again until it has', async () => {
  const bus = memoryHub().connect('host')
  const stop = new AbortController()
  const said: string[] = []
  let full = 4
  const put: Bus['put'] = async (items) => {
    if (full-- > 0) throw faults.refusedByServer('a piece of work', 10077, 'maximum bytes exceeded')
    return bus.put(items)
  }
  const dispatched = dispatch({ ...bus, put }, stop.signal, (reason) => said.push(reason))
  await recordScheduled(bus, 'command-1')
  expect(await commandOfWork(bus)).toBe('command-1')
  expect(said).toEqual([expect.stringMatching(/maximum bytes exceeded/)])
  stop.abort()
  await dispatched
})

test('an id that no subject can hold stops nobody', async () => {
  const bus = memoryHub().connect('host')
  const stop = new AbortController()
  const dispatched = dispatch(bus, stop.signal)
  await recordScheduled(bus, 'urn:ünïque:2')
  expect(await commandOfWork(bus)).toBe('urn:ünïque:2')
  stop.abort()
  await dispatched
})

test('stopping ends it, though the server is away in the middle of a put', async () => {
  const bus = memoryHub().connect('host')
  const stop = new AbortController()
  const { promise: putting, resolve } = Promise.withResolvers<void>()
  const put: Bus['put'] = () => {
    resolve()
    return new Promise(() => undefined)
  }
  const dispatched = dispatch({ ...bus, put }, stop.signal)
  await recordScheduled(bus, 'command-1')
  await putting
  stop.abort()
  await dispatched
})
