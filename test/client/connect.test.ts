import { mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { connect } from '../../src/millrace.ts'
import { run, securedServer } from '../cli/secured.ts'
import { freePort, millrace, stop, temporaryFolders } from '../processes.ts'

const newFolder = temporaryFolders()
const folder = newFolder()
const secured = securedServer(folder)
afterEach(() => vi.unstubAllEnvs())

/** The log of the server that a script finds. */
const logFound = async (...options: Parameters<typeof connect>) => {
  const client = await connect(...options)
  try {
    return (await client.status()).log
  } finally {
    await client.close()
  }
}
const logAt = async (...args: string[]): Promise<string> => {
  const { output } = await run('status', '--json', ...args)
  return (JSON.parse(output) as { log: string }).log
}

test('a script finds the server of its state folder, and has its credentials, as the verbs do', async () => {
  vi.stubEnv('NATS_URL', undefined)
  const { state } = secured
  const log = await logAt('--state', state)
  expect(await logFound({ state })).toBe(log)
  symlinkSync(state, join(folder, '.millrace'))
  vi.spyOn(process, 'cwd').mockReturnValue(folder)
  expect(await logFound()).toBe(log)
  vi.restoreAllMocks()
}, 60_000)

test('a script goes where it is told, else where NATS_URL says, rather than to its state folder', async () => {
  const [state, port] = [join(newFolder(), 'state'), await freePort()]
  mkdirSync(state)
  const other = millrace(['nats', '--port', String(port), '--state', state])
  await other.says(/listens at nats:/)
  const url = `nats://127.0.0.1:${port}`
  const log = await logAt('--nats', url, '--state', newFolder())
  expect(log).not.toBe(await logAt('--state', secured.state))
  expect(await logFound({ url, state: secured.state })).toBe(log)
  vi.stubEnv('NATS_URL', url)
  expect(await logFound({ state: secured.state })).toBe(log)
  expect(await logFound({ url: `tls://${secured.address()}`, state: secured.state })).not.toBe(log)
  expect(await stop(other)).toBe(0)
}, 60_000)

test('a state folder that is not there leads to no other server: whoever names it is told', async () => {
  vi.stubEnv('NATS_URL', undefined)
  const state = join(newFolder(), 'failed')
  await expect(connect({ state })).rejects.toMatchObject({ code: 'config.state' })
  expect(await run('runs', 'ls', '--state', state)).toMatchObject({
    code: 2,
    output: expect.stringMatching(/There is no state folder .*failed: .*filtered by --status/),
  })
})
