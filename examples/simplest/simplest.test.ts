import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runOnce } from 'millrace/testing'
import { simplest } from './simplest.ts'

test('each file that has arrived is named in the log', async () => {
  const run = await runOnce(simplest, { files: { data_store: { 'a.txt': 'one', 'b.txt': 'two' } } })
  assert.equal(run.outcome, 'succeeded')
  assert.deepEqual(
    run.log.map(({ text }) => text),
    ['run 0: a.txt', 'run 0: b.txt'],
  )
})

test('without a file there is no run', async () => {
  const run = await runOnce(simplest)
  assert.equal(run.outcome, 'not started')
  assert.match(run.waits['simplest/data_store'] ?? '', /no file has arrived/)
})
