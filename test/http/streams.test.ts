import { expect, test } from 'vitest'
import type { Bus } from '#bus/bus'
import { faults } from '#bus/fault'
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
