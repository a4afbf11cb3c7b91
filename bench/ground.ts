import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import type { Bus } from '#bus/bus'
import { openBus } from '#bus/jetstream'
import { greet } from '#bus/lock'
import { defaultCache, findServer } from '#bus/server-find'
import { freePort } from '../test/processes.ts'

/** What a bench stands on: a folder, a real server with a log in it, connections to that server. */
export type Ground = {
  readonly folder: string
  readonly url: string
  /** A connection as Millrace makes it. */
  readonly bus: (principal?: string) => Promise<Bus>
  /** A bare connection with the same settings, for the twins. */
  readonly bare: () => Promise<NatsConnection>
}

/** Runs something on a ground of its own, with the server's configuration that Millrace gives its own. */
export const onGround = async <T>(act: (ground: Ground) => Promise<T>): Promise<T> =>
  inFolder(async (folder) => {
    const { path } = await findServer({ cache: defaultCache() })
    const port = await freePort(2)
    const args = ['-c', resolve('nats.conf'), '-a', '127.0.0.1', '-p', `${port}`, '-sd', join(folder, 'nats')]
    const server = spawn(path, args, { stdio: 'ignore' })
    const exited = once(server, 'exit')
    const undo: (() => Promise<unknown>)[] = []
    try {
      while ((await greet(port)) === 'nobody') {
        if (server.exitCode !== null) throw new Error(`${path} ended with exit code ${server.exitCode}`)
        await delay(20)
      }
      const url = `nats://127.0.0.1:${port}`
      const bus = async (principal = 'bench') => {
        const opened = await openBus({ url, principal })
        undo.push(opened.close)
        return opened
      }
      const bare = async () => {
        const nc = await connect({ servers: url, noAsyncTraces: true })
        undo.push(() => nc.close())
        return nc
      }
      return await act({ folder, url, bus, bare })
    } finally {
      for (const step of undo.reverse()) await step()
      server.kill('SIGTERM')
      await exited
    }
  })

/** Runs something with a temporary folder that is removed behind it. */
export const inFolder = async <T>(act: (folder: string) => Promise<T>): Promise<T> => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-bench-'))
  try {
    return await act(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
  }
}
