import { expect, test } from 'vitest'
import type { LogLine } from '#client/logs'
import { siteOf } from './site.ts'

const texts = async (lines: AsyncIterable<LogLine>) => (await Array.fromAsync(lines)).map(({ text }) => text)

test('what a run printed is read: all of it, of one node, of one attempt, of one level, or its end', async () => {
  const { client, print } = await siteOf()
  await print(0, 'root/retraining', ['a', '!b'])
  await print(0, 'leaf/plotting', ['c'])
  await print(0, 'root/retraining', ['d'], 2)
  const said = (options: object) => texts(client.runs.logs('root/0', options))
  expect(await said({})).toEqual(['a', '!b', 'c', 'd'])
  expect(await said({ node: 'retraining' })).toEqual(['a', '!b', 'd'])
  expect(await said({ node: 'root/retraining', attempt: 2 })).toEqual(['d'])
  expect(await said({ level: 'warn' })).toEqual(['!b'])
  expect(await said({ tail: 2 })).toEqual(['c', 'd'])
  expect(await said({ tail: 1, level: 'warn' })).toEqual(['!b'])
  expect(await said({ follow: true, tail: 0 })).toEqual([])
  await expect(said({ node: 'nobody' })).rejects.toThrow(/There is no node nobody/)
  const [first] = await Array.fromAsync(client.runs.logs(0))
  expect(first).toEqual({ at: 0, level: 'info', text: 'a', part: 'root/retraining', attempt: 1, delivery: 1, place: 1 })
})

test('following a run ends by itself, with the last lines that it printed', async () => {
  const { client, print, begun, story } = await siteOf({ runs: 0 })
  const run = await begun(0)
  await print(0, 'root/retraining', ['before'])
  const seen: string[] = []
  const heard = Promise.withResolvers<void>()
  const follow = async () => {
    for await (const { text } of client.runs.logs(run, { follow: true })) {
      seen.push(text)
      if (text === 'while it runs') heard.resolve()
    }
  }
  const following = follow()
  await print(0, 'root/retraining', ['while it runs'])
  await heard.promise
  await print(0, 'root/retraining', ['at its end'])
  await story.report(0, 'root/retraining', { outcome: 'failed', reason: 'it said no' })
  await following
  expect(seen).toEqual(['before', 'while it runs', 'at its end'])
})

test('whoever stops listening, or is told to, leaves nobody behind', async () => {
  const { client, print, begun } = await siteOf({ runs: 0 })
  const run = await begun(0)
  await print(0, 'root/retraining', ['one', 'two'])
  for await (const { text } of client.runs.logs(run, { follow: true })) if (text === 'one') break
  const stop = new AbortController()
  const listening = texts(client.runs.logs(run, { follow: true, signal: stop.signal }))
  stop.abort(new Error('enough'))
  await expect(listening).rejects.toThrow('enough')
})
