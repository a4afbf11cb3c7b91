import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { afterAll, beforeAll } from 'vitest'
import { greet } from '#bus/lock'
import { defaultCache, findServer } from '#bus/server-find'
import { freePort } from './processes.ts'

/** A real nats-server with a log of its own, in a temporary folder and on a free port. */
export type Nats = {
  readonly url: string
  readonly port: number
  /** Where it tells about its connections. */
  readonly monitor: string
  /** Ends it at once, as a power cut would. */
  readonly kill: () => Promise<void>
  /** Starts it again on the same port with the same log. */
  readonly start: () => Promise<void>
  /** Publishes a message as any NATS client could, without our envelope, and waits until it is stored. */
  readonly publishRaw: (subject: string, body: string) => Promise<void>
  /** Deletes a stream, as an administrator could. */
  readonly deleteStream: (name: string) => Promise<void>
  /** Ends it for good and removes its folder. */
  readonly stop: () => Promise<void>
}

/** A server for all tests of a file: it runs while they do. */
export const withServer = (config?: string): (() => Nats) => {
  let nats: Nats | undefined
  beforeAll(async () => {
    nats = await startNats(config)
  })
  afterAll(() => nats?.stop())
  return () => {
    if (!nats) throw new Error('The server is not running yet')
    return nats
  }
}

/** Starts a server with the configuration that Millrace gives its own, unless told another. */
export const startNats = async (config = resolve('nats.conf'), within?: string): Promise<Nats> => {
  const { path } = await findServer({ cache: defaultCache() })
  const folder = await mkdtemp(join(within ?? tmpdir(), 'millrace-nats-'))
  const [port, monitor] = [await freePort(), await freePort()]
  let child: ChildProcess | undefined
  const end = async (signal: NodeJS.Signals) => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill(signal)
    await exited
  }
  const start = async () => {
    const ports = ['-p', `${port}`, '-m', `${monitor}`]
    child = spawn(path, ['-c', config, '-a', '127.0.0.1', ...ports, '-sd', folder], { stdio: 'ignore' })
    while ((await greet(port)) === 'nobody') {
      if (child.exitCode !== null) throw new Error(`${path} ended with exit code ${child.exitCode}`)
      await delay(20)
    }
  }
  const stop = async () => {
    await end('SIGTERM')
    await rm(folder, { recursive: true, force: true })
  }
  await start()
  return {
    url: `nats://127.0.0.1:${port}`,
    port,
    monitor: `http://127.0.0.1:${monitor}`,
    kill: () => end('SIGKILL'),
    start,
    publishRaw: async (subject, body) => {
      const nc = await connect({ servers: `127.0.0.1:${port}` })
      await nc.request(subject, body, { timeout: 5_000 })
      await nc.close()
    },
    deleteStream: async (name) => {
      const nc = await connect({ servers: `127.0.0.1:${port}` })
      await (await jetstreamManager(nc)).streams.delete(name)
      await nc.close()
    },
    stop,
  }
}
