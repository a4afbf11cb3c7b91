import type { Command } from 'commander'
import { startServer } from '#bus/server'
import { defaultCache, findServer } from '#bus/server-find'
import { defaultPort } from './options.ts'
import { stopping } from './signals.ts'
import { defaultState } from './state.ts'

const say = (line: string): void => void process.stderr.write(`${line}\n`)

/** Finds or fetches nats-server and starts it on this machine, or adopts the one that an earlier start left. */
export const startNats = async (state: string, port: number) =>
  startServer({ binary: await findServer({ cache: defaultCache(), say }), stateDir: state, port, say })

export const natsVerb = (program: Command): void => {
  program
    .command('nats')
    .description('run the NATS server on this machine, on loopback')
    .option('--port <port>', 'its port', String(defaultPort))
    .option('--state <folder>', 'where the log is kept', defaultState)
    .addHelpText('after', '\nExample:\n  millrace nats --port 4222')
    .action(async ({ port, state }: { port: string; state: string }) => {
      const signal = stopping()
      const server = await startNats(state, Number(port))
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
