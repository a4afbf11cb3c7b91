import { OpenAPIHono } from '@hono/zod-openapi'
import { expect, test } from 'vitest'
import type { Bus } from '#bus/bus'
import { faults } from '#bus/fault'
import { addEvents } from '#http/events'
import type { Asking } from '#http/site'
import type { News } from '#projections/progress'
import { siteOf } from './site.ts'

/** A stream that is asked for from the log's beginning, and what it says until it ends. */
const wholeStream = async (follow: Bus['follow']) => {
  const lines: string[] = []
  const site = await siteOf({ over: { follow }, say: (line) => lines.push(line) })
  const response = await site.get(`/api/events?from=${site.bus.logId}.0`)
  return { text: await response.text(), lines, bus: site.bus }
}

test('a stream ends where the rest is not handed on, and never leaves anything out', async () => {
  const { text, bus } = await wholeStream(async () => undefined)
  expect([...text.matchAll(/^id: (.*)$/gm)].map(([, id]) => id)).toEqual([`${bus.logId}.0`])
})

test('a stream that breaks says why to whoever keeps the server, and ends', async () => {
  const { text, lines } = await wholeStream(() => Promise.reject(faults.shorterLog(9, 1)))
  expect(text).not.toMatch('The log ends')
  expect(lines).toEqual([expect.stringMatching(/^A stream of events broke: The log ends at 1/)])
})

test('whoever listens while the log becomes shorter is told to read everything again', async () => {
  const { bus, stop, viewer, follower } = await siteOf()
  const listeners = new Set<(news: News) => void>()
  const onApplied = (listener: (news: News) => void) => {
    listeners.add(listener)
    return () => void listeners.delete(listener)
  }
  let { sequence } = follower.now()
  const now = () => ({ ...follower.now(), sequence })
  const shrinking = { ...viewer, follower: { ...follower, now, onApplied } }
  const other = new OpenAPIHono<Asking>()
  addEvents(other, { bus, viewer: shrinking, graphs: [], user: 'ada', names: [], signal: stop.signal })
  const response = await other.request('/api/events')
  const reader = (response.body as ReadableStream<Uint8Array>).getReader()
  const read = async () => new TextDecoder().decode((await reader.read()).value)
  expect(await read()).toMatch(`id: ${bus.logId}.${sequence}`)
  sequence = 2
  for (const listener of listeners) listener({ from: 2, upTo: 2, events: [] })
  const told = await read()
  expect(told).toMatch('event: reset')
  expect(told).toMatch(`id: ${bus.logId}.2`)
  await reader.cancel()
})
