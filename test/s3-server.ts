import { execFile } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { env } from 'node:process'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { freePort, run, type Started, stop } from './processes.ts'

/** Built from its source where it is not there; `.ci/run` does so ahead. */
const version = 'v1.8.0'
const cache = join(env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), `millrace/versitygw-${version}`)

const onPath = (program: string): string | undefined =>
  (env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, program))
    .find(existsSync)

const findServer = async (): Promise<string> => {
  const found = onPath('versitygw')
  const kept = join(cache, 'versitygw')
  if (found) return found
  if (!existsSync(kept)) {
    const source = `github.com/versity/versitygw/cmd/versitygw@${version}`
    // Without optimizations it is built in half the time, and is quick enough.
    const quickly = ['-ldflags=-s -w', '-gcflags=all=-N -l']
    await promisify(execFile)('go', ['install', ...quickly, source], {
      env: { ...env, GOBIN: cache, CGO_ENABLED: '0' },
    })
  }
  return kept
}

/** Whether the tests of buckets can run; in continuous integration they must. */
export const mayServeS3 =
  env.CI === 'true' ||
  onPath('versitygw') !== undefined ||
  existsSync(join(cache, 'versitygw')) ||
  onPath('go') !== undefined

export type S3Server = {
  readonly endpoint: string
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string }
  readonly stop: () => Promise<unknown>
}

/** A real server that speaks S3, over a folder of its own; each folder in it is a bucket. */
export const startS3 = async (folder: string, buckets: readonly string[]): Promise<S3Server> => {
  const server = await findServer()
  const port = await freePort()
  const credentials = { accessKeyId: 'tester', secretAccessKey: 'a-secret-of-tests' }
  for (const bucket of buckets) mkdirSync(join(folder, bucket), { recursive: true })
  const keys = { ROOT_ACCESS_KEY: credentials.accessKeyId, ROOT_SECRET_KEY: credentials.secretAccessKey }
  const options = { env: { ...env, ...keys } }
  const started: Started = run(server, ['--quiet', '--port', `127.0.0.1:${port}`, 'posix', folder], options)
  const endpoint = `http://127.0.0.1:${port}`
  let ended = false
  void started.ended.then(() => {
    ended = true
  })
  while (!(await fetch(endpoint).catch(() => undefined))) {
    if (ended) throw new Error(`${server} ended:\n${started.output()}`)
    await delay(20)
  }
  return { endpoint, credentials, stop: () => stop(started) }
}
