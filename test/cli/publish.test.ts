import { expect, test } from 'vitest'
import { z } from 'zod'
import type { Bus } from '#bus/bus'
import { ask } from '#bus/command'
import { commands, events, mistakesOf, problemsOf } from '#contracts/all'
import { exact } from '#contracts/fields'
import { temporaryFolders } from '../processes.ts'
import { run } from './secured.ts'

const newFolder = temporaryFolders()

/** A bus whose owners accept whatever they are asked. */
const willing = { principal: 'ann', request: async () => ({ accepted: true }) } as unknown as Bus
const address = { aggregate: 'pipeline', scope: 'p', key: 'self' }

test.each([
  [
    'pipeline.start',
    { nots: 1 },
    /pipeline\.start breaks its contract: nots: no field is called so; known are message/,
  ],
  [
    'run.report-node',
    { part: 'p/n', attempt: 1, delivery: 1, instance: 'i', result: { outcome: 'succeeded', massage: '' } },
    /result\.massage: no field is called so; did you mean 'message'/,
  ],
])('a command %s with a field that nobody knows is refused with its path', async (type, data, expected) => {
  await expect(ask(willing, { address, type, data })).rejects.toThrow(expected)
})

test('what a contract knows is asked, and an event of a later version is still read', async () => {
  await expect(ask(willing, { address, type: 'pipeline.start', data: { message: 'x' } })).resolves.toBeDefined()
  expect(commands['pipeline.start'].data.parse({ later: 1 })).toEqual({ message: 'on request' })
  const metric = { key: 'loss', value: 1 }
  expect(events['tracking.metric-logged'].data.parse({ ...metric, later: 1 })).toEqual(metric)
})

test.each([
  [['publish', 'tracking.metric-loged', '{}'], /No fact is called .*did you mean 'tracking\.metric-logged'/],
  [['publish', 'pipeline.start', '{}'], /No fact is called 'pipeline\.start'/],
  [['ask', 'pipeline.strat'], /No command is called .*did you mean 'pipeline\.start'/],
  [
    ['publish', 'tracking.metric-logged', '{"key":"a","value":1,"stap":2}'],
    /stap: no field is called so; did you mean 'step'/,
  ],
  [['ask', 'pipeline.start', '{'], /The data is not JSON/],
])('millrace %s is refused before anybody is asked', async (words, expected) => {
  const { code, output } = await run(...words, '--nats', 'nats://127.0.0.1:1', '--state', newFolder())
  expect(output).toMatch(expected)
  expect(code).toBe(2)
})

test('what is missing, and a bad name, are told in words', () => {
  const { error } = events['tracking.metric-logged'].data.safeParse({ key: 'loss' })
  expect(problemsOf(error?.issues ?? [])).toBe('value: is missing; expected number')
  const inner = [{ path: [], message: 'use letters' }]
  const record = { path: ['stores', 'in box'], message: 'Invalid key in record', code: 'invalid_key', issues: inner }
  expect(mistakesOf([record])).toEqual(['stores.in box: a bad name: use letters'])
})

test('a field that is none is told with those that there are, of the very kind that is meant', () => {
  const shape = z.discriminatedUnion('kind', [
    exact({ kind: z.literal('text'), text: z.string() }),
    exact({ kind: z.literal('number'), number: z.number() }).extend({ step: z.int().optional() }),
  ])
  const wrong = (given: object) => mistakesOf(shape.safeParse(given).error?.issues ?? [])
  expect(wrong({ kind: 'text', text: '', stap: 1 })).toEqual(['stap: no field is called so; known are kind, text'])
  expect(wrong({ kind: 'number', number: 1, stap: 1, tezt: '' })).toEqual([
    "stap: no field is called so; did you mean 'step'?",
    'tezt: no field is called so; known are kind, number, step',
  ])
})

test('tail --once ends where no server answers, like every other reader', async () => {
  const { code, output } = await run('tail', '--once', '--nats', 'nats://127.0.0.1:1', '--state', newFolder())
  expect(output).toMatch(/^No NATS server answers/)
  expect(code).toBe(4)
})
