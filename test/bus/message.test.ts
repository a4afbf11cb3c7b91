import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { headers } from '@nats-io/transport-node'
import { expect, test } from 'vitest'
import { decode, encode } from '#bus/message'
import type { Numbered } from '#contracts/envelope'

type Golden = {
  readonly subject: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly event: Numbered
}
const golden: Golden = JSON.parse(readFileSync(join(import.meta.dirname, '../contracts/envelope.json'), 'utf8'))

const found = (said: Readonly<Record<string, string>>, body = golden.body) => {
  const h = headers()
  for (const [key, value] of Object.entries(said)) h.set(key, value)
  return { subject: golden.subject, headers: h, data: Buffer.from(body), sequence: 42, storedAt: 1_700_000_000_000 }
}

test('an event is written as messages in old logs are', () => {
  const written = encode(golden.subject, golden.event)
  expect(Object.fromEntries([...written.headers].map(([key, [value]]) => [key, value]))).toEqual(golden.headers)
  expect(written.body).toBe(golden.body)
})

test('a message of an old log is read as the event that it was', () => {
  expect(decode('log', found(golden.headers))).toEqual({
    ...golden.event,
    address: { aggregate: 'run', scope: 'root_pipeline', key: '17' },
    sequence: 42,
    position: 'log.42',
    storedAt: 1_700_000_000_000,
  })
})

test.each([
  ['another subject', { 'ce-subject': 'events.run.root_pipeline.18' }],
  ['no version of CloudEvents', { 'ce-specversion': '' }],
  ["somebody else's schema", { 'ce-dataschema': 'urn:somebody:else:1' }],
  ['no id', { 'ce-id': '' }],
  ['the mark of an answer from elsewhere', { 'Nats-Subject': 'events.run.other.1' }],
])('a message that names %s is no event', (_, said) => {
  expect(decode('log', found({ ...golden.headers, ...said }))).toBeUndefined()
})

test('a message whose body is no JSON is no event', () => {
  expect(decode('log', found(golden.headers, '{'))).toBeUndefined()
})
