import type { Command } from 'commander'
import { orAborted } from '#bus/abort'
import { defaultPort, defaultState } from '#bus/connection-of'
import { Fault } from '#bus/fault'
import { loopback } from '#bus/server-place'
import { port } from './options.ts'
import { print } from './print.ts'
import { type Kept, startOrShare } from './share.ts'
import { stopping } from './signals.ts'
import type { Where } from './start.ts'

type Options = Where & { readonly port: number; readonly state: string; readonly json?: boolean }

export const natsVerb = (program: Command): void => {
  program
    .command('nats')
    .description('run the NATS server on this machine; where one runs, wait and take over when it ends')
    .option('--port <port>', 'its port', port, defaultPort)
    .option('--host <address>', 'the address to listen at; other than loopback needs millrace certs', loopback)
    .option('--tls', 'TLS and credentials also on loopback')
    .option('--state <folder>', 'where the log is kept', defaultState)
    .option('--json', 'print JSON, for programs: a line for each server')
    .addHelpText('after', '\nExample:\n  millrace nats --port 4222\n  millrace certs && millrace nats --host 0.0.0.0')
    .action(async ({ port, state, json = false, ...where }: Options) => {
      const signal = stopping()
      const say = (line: string): void => void process.stderr.write(`${line}\n`)
      for (let wanted = { port, where }; ; ) {
        const server = await startOrShare(state, wanted.port, wanted.where, say, signal).catch(withOwnOption)
        wanted = server // In the place of one that has ended, it is where everybody looks for it.
        if (!signal.aborted) announce(server, json)
        const awake = setInterval(() => undefined, 60_000) // The server runs on its own: nothing else keeps us here.
        await orAborted(server.exited, signal).catch(() => undefined)
        clearInterval(awake)
        if (signal.aborted) return server.stop()
        if (!server.shared)
          throw new Error('The NATS server ended by itself: see nats/server.log under the state folder')
      }
    })
}

/** Throws what was thrown; of a port that is taken it says the option of this verb, where `up` has another. */
const withOwnOption = (cause: unknown): never => {
  if (!(cause instanceof Fault) || cause.code !== 'server.port-taken') throw cause
  throw new Fault(cause.code, cause.message.replace('--nats-port', '--port'), { cause })
}

const announce = ({ url, pid, adopted, shared }: Kept, json: boolean): void => {
  const how = shared ? 'runs already' : adopted ? 'goes on' : 'listens'
  if (json) print(JSON.stringify({ url, pid, adopted, shared }))
  else print(`NATS ${how} at ${url} (pid ${pid})${shared ? ': waiting, to start it here when that one ends' : ''}`)
}
