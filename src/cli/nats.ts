import type { Command } from 'commander'
import { Fault } from '#bus/fault'
import { openBus } from '#bus/jetstream'
import { isSecured, noteServer, secure } from '#bus/secure'
import { type Server, startServer } from '#bus/server'
import { defaultCache, findServer } from '#bus/server-find'
import { exposed, isLoopback, loopback } from '#bus/server-place'
import { connectionOf, defaultPort } from './options.ts'
import { stopping } from './signals.ts'
import { defaultState } from './state.ts'

const say = (line: string): void => void process.stderr.write(`${line}\n`)

/** Where a server listens, and whether it has TLS also where it need not. */
export type Where = { readonly host?: string | undefined; readonly tls?: boolean | undefined }

/**
 * Finds or fetches nats-server and starts it on this machine, or adopts the one that an earlier start left. Wider than
 * loopback it has TLS and lets in only those who are named; on loopback it does where `tls` asks for it.
 */
export const startNats = async (state: string, port: number, { host = loopback, tls = false }: Where = {}) => {
  const isSecure = tls || !isLoopback(host)
  if (isSecure && !(await isSecured(state))) throw tls ? unprepared() : exposed(host)
  const config = isSecure ? (await secure(state, [host])).config : undefined
  const options = { binary: await findServer({ cache: defaultCache(), say }), stateDir: state, port, host, config, say }
  const found = await startServer(options)
  const server = isSecure && found.adopted ? await startedAnew(found, () => startServer(options)) : found
  await noteServer(state, server.url)
  if (isSecure) await prepare(state)
  return server
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

export const natsVerb = (program: Command): void => {
  program
    .command('nats')
    .description('run the NATS server on this machine')
    .option('--port <port>', 'its port', String(defaultPort))
    .option('--host <address>', 'the address to listen at; other than loopback needs millrace certs', loopback)
    .option('--tls', 'TLS and credentials also on loopback')
    .option('--state <folder>', 'where the log is kept', defaultState)
    .addHelpText('after', '\nExample:\n  millrace nats --port 4222\n  millrace certs && millrace nats --host 0.0.0.0')
    .action(async ({ port, state, ...where }: { port: string; state: string } & Where) => {
      const signal = stopping()
      const server = await startNats(state, Number(port), where)
      process.stdout.write(`NATS ${server.adopted ? 'goes on' : 'listens'} at ${server.url} (pid ${server.pid})\n`)
      const stop = () => void server.stop()
      signal.addEventListener('abort', stop, { once: true })
      const awake = setInterval(() => undefined, 60_000) // The server runs on its own: nothing else keeps us here.
      await server.exited
      clearInterval(awake)
      if (!signal.aborted)
        throw new Error('The NATS server ended by itself: see nats/server.log under the state folder')
    })
}
