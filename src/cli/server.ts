import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { connectionOf, localUrl } from '#bus/connection-of'
import { Fault } from '#bus/fault'
import { openBus } from '#bus/jetstream'
import { keepServer } from './keep.ts'
import type { Common } from './options.ts'

type Options = Common & {
  readonly natsPort: number
  readonly natsHost?: string
  readonly ephemeral?: boolean
}

/** A server, and what to do with it at the end. */
type Used = { readonly url: string; readonly stop: () => Promise<void> }

/** The server to use: the one that was named, else one that answers where ours would, else one of our own. */
export const serverFor = async (options: Options, say: (line: string) => void, signal: AbortSignal): Promise<Used> => {
  const named = options.nats ?? process.env.NATS_URL ?? options.creds
  if (named && !options.ephemeral) return { url: connectionOf(options).url, stop: async () => undefined }
  const { natsPort: port, ephemeral = false } = options
  try {
    return await keepServer(options.state, port, say, { host: options.natsHost }, signal)
  } catch (cause) {
    if (ephemeral || !(cause instanceof Fault && cause.code === 'server.port-taken')) throw cause
    if (!(cause.cause as { readonly isNats: boolean }).isNats) throw cause
    if (existsSync(join(options.state, 'nats/jetstream'))) throw foreignServer(options.state, port)
    // The machine's own, or one of another state folder: used as it is, if it can be.
    const there = connectionOf({ state: options.state, nats: localUrl(port) })
    const bus = await openBus({ ...there, principal: 'up' }).catch(() => Promise.reject(cause))
    await bus.close()
    say(`Using the NATS server that answers at ${there.url}`)
    return { url: there.url, stop: async () => undefined }
  }
}

/** A folder with a log of its own must not go on, unasked, on the log of another one. */
const foreignServer = (state: string, port: number): Fault =>
  new Fault(
    'config.server',
    `${state} has a log of its own, and the server that answers at port ${port} is not its: its runs and files would begin anew there. Use another port with --nats-port, or go over to that server with --nats ${localUrl(port)}`,
  )

/** A port of loopback that nobody listens at. */
export const freePort = (): Promise<number> =>
  new Promise((resolvePort, reject) => {
    const probe = createServer().once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number }
      probe.close(() => resolvePort(port))
    })
  })
