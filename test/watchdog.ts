import { Worker } from 'node:worker_threads'
import { expect } from 'vitest'
import { slow } from './processes.ts'

/** For how long a file of tests may take, in milliseconds: several times what the longest one needs on a busy machine. */
const atMost = slow ? 7_200_000 : 900_000

/**
 * Ends this process where its file of tests has not ended by then. No limit of a test or a hook does so where something
 * holds the thread that would have to keep it, so this one is kept by a thread of its own, which says what was running.
 */
const code = `
const { execFileSync } = require('node:child_process')
const { writeSync } = require('node:fs')
const { workerData: { file, atMost } } = require('node:worker_threads')
setTimeout(() => {
  let running = ''
  try {
    running = execFileSync('ps', ['axfo', 'pid,stat,etime,args'], { encoding: 'utf8', timeout: 10_000, killSignal: 'SIGKILL' })
  } catch (cause) {
    running = String(cause)
  }
  writeSync(2, file + ' (process ' + process.pid + ') has not ended within ' + atMost / 60_000 + ' minutes. What runs:\\n' + running + '\\n')
  process.kill(process.pid, 'SIGKILL')
}, atMost)
`
new Worker(code, { eval: true, workerData: { file: expect.getState().testPath, atMost } }).unref()
