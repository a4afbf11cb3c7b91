import { orAborted } from '#bus/abort'
import { connectionOf } from '#bus/connection-of'
import { Fault } from '#bus/fault'
import { openBus } from '#bus/jetstream'
import { isSecured, noteServer, secure } from '#bus/secure'
import { type Server, startServer } from '#bus/server'
import { defaultCache, findServer } from '#bus/server-find'
import { exposed, isLoopback, loopback } from '#bus/server-place'
import { stateFolder } from './state.ts'

const say = (line: string): void => void process.stderr.write(`${line}\n`)

/** Where a server listens, and whether it has TLS also where it need not. */
export type Where = { readonly host?: string | undefined; readonly tls?: boolean | undefined }

/** Whether a server that is to be there lets in only those who are named. */
export const isClosed = ({ host = loopback, tls = false }: Where): boolean => tls || !isLoopback(host)

/**
 * Finds or fetches nats-server and starts it on this machine, or adopts the one that an earlier start left. Wider than
 * loopback it has TLS and lets in only those who are named; on loopback it does where `tls` asks for it. `signal` ends a
 * fetch as well as a start, and leaves nothing running.
 */
export const startNats = async (state: string, port: number, where: Where, signal: AbortSignal): Promise<Server> => {
  const { host = loopback, tls = false } = where
  const isSecure = isClosed(where)
  if (isSecure && !(await isSecured(state))) throw tls ? unprepared() : exposed(host)
  stateFolder(state)
  const config = isSecure ? (await secure(state, [host])).config : undefined
  const binary = await findServer({ cache: defaultCache(), say, signal })
  const options = { binary, stateDir: state, port, host, config, say, signal }
  const found = await startServer(options)
  const server = isSecure && found.adopted ? await startedAnew(found, () => startServer(options)) : found
  try {
    await noteServer(state, server.url)
    if (isSecure) await orAborted(prepare(state), signal)
    return server
  } catch (cause) {
    await server.stop()
    throw cause
  }
}

/** What an earlier start left behind may be as open as it was then: it gives way. */
const startedAnew = async (left: Server, start: () => Promise<Server>): Promise<Server> => {
  say(`Ending it (process ${left.pid}): one with TLS and credentials takes its place`)
  await left.stop()
  return start()
}

/** Makes what only the server's own machine may make, so that everybody else finds it. */
const prepare = async (state: string): Promise<void> => {
  const bus = await openBus({ ...connectionOf({ state }), principal: 'nats' })
  await bus.present()
  await bus.close()
}

const unprepared = () =>
  new Fault('config.certs', 'There is no certificate for this server yet. Make one first, with: millrace certs')
