import { join } from 'node:path'
import { beforeAll } from 'vitest'
import { freePort, millrace, type Started } from '../processes.ts'

/** Runs a verb to its end: its exit code and all that it said. */
export const run = async (...args: string[]) => {
  const verb = millrace(args)
  return { code: await verb.ended, output: verb.output() }
}

/** A server with TLS and credentials that a file's tests share; it ends with its folder. */
export const securedServer = (folder: string) => {
  const state = join(folder, 'state')
  let port: number
  let server: Started
  const start = async (): Promise<Started> => {
    server = millrace(['nats', '--tls', '--port', String(port), '--state', state])
    await server.says(/listens at tls:/)
    return server
  }
  beforeAll(async () => {
    port = await freePort()
    await run('certs', '--state', state)
    await start()
  }, 60_000)
  return { state, start, port: () => port, address: () => `127.0.0.1:${port}`, server: () => server }
}
