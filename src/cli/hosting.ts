import { resolve } from 'node:path'
import type { Command } from 'commander'
import type { Hosting } from '#agents/hosting'
import { openLocal } from '#agents/local'
import { connectionOf } from '#bus/connection-of'
import { Fault, faults, reasonOf } from '#bus/fault'
import type { Holder } from '#bus/lock'
import { claim } from './claim.ts'
import { openPatiently, tellConnection } from './connect.ts'
import { type Level, openLog } from './log.ts'
import { type Common, keepBytes, logLevel, withConnection } from './options.ts'
import { print } from './print.ts'
import { stopping } from './signals.ts'
import { hostState } from './state.ts'
import { version } from './version.ts'

/** Options of every verb that runs agents under a host's name. */
export type HostingOptions = Common & {
  readonly name?: string
  readonly logFile?: string
  readonly logLevel: Level
  readonly keepBytes: number
}

/** Options of every verb that runs agents under a host's name; `usual` says which name that is unless one is given. */
export const withHosting = (command: Command, usual: string): Command =>
  withConnection(command)
    .option('--name <name>', `the name of this host; by default ${usual}`)
    .option('--log-file <file>', 'where log lines go as JSON; by default a file under the state folder')
    .addOption(keepBytes())
    .addOption(logLevel())

/** What whoever starts agents is given beside what they need. */
export type Started = Hosting & {
  readonly url: string
  /** Whether the server lets in only those whom it knows. */
  readonly secured: boolean
  /** Where the host keeps what it needs for a while. */
  readonly scratch: string
}

/**
 * Runs agents under a host's name, which no other process here has: with a log, a database of its own, and a connection that
 * comes back by itself. Resolves when `run` does.
 */
export const asHost = async (
  options: HostingOptions,
  usual: string,
  run: (started: Started) => Promise<void>,
): Promise<void> => {
  const signal = stopping()
  const connection = connectionOf(options)
  const host = hostOf(connection.security?.principal, options.name) ?? usual
  const state = hostState(options.state, host)
  const lock = await claim(state.lock, { what: `The host ${host}`, todo, patience: drainsWithin }, signal, print)
  const log = openLog(options.logFile ? resolve(options.logFile) : state.log, options.logLevel)
  const say = (line: string) => log('info', line)
  const bus = await openPatiently({ ...connection, principal: host, keepBytes: options.keepBytes }, signal, say).catch(
    async (cause: unknown) => {
      await lock.release()
      throw cause
    },
  )
  const local = openLocal(state.local(bus.logId))
  process.send?.({ kind: 'connected', logId: bus.logId })
  const shutOut = bus.closed.then((cause) => Promise.reject(faults.shutOut(connection.url, cause)))
  try {
    const running = run({
      bus,
      host,
      instance: state.instance(),
      version: version(),
      local,
      log,
      signal,
      ready: () => (process.send ? process.send({ kind: 'ready' }) : say(`${host} is ready at ${connection.url}`)),
      url: connection.url,
      secured: connection.security !== undefined,
      scratch: state.scratch,
    })
    if (!process.send) void tellConnection(bus, connection.url, signal, say)
    // A connection comes back by itself, unless the server no longer knows us.
    await Promise.race([running, shutOut])
  } catch (cause) {
    log.keep('error', reasonOf(cause)) // The terminal is told once, by whoever ends the process.
    throw cause
  } finally {
    await bus.close()
    local.close()
    await lock.release()
    await log.close()
  }
}

/** How long an earlier process of the same host, whose starter was killed, may take to say that it drains; milliseconds. */
const drainsWithin = 5_000

const todo = ({ pid }: Holder): string =>
  `Stop it, with kill ${pid} or where it was started, or start this one with another --name`

/** The name of the host: the one that its credentials say, which its permissions pin, or the one that was given. */
const hostOf = (pinned: string | undefined, given: string | undefined): string | undefined => {
  if (pinned && given && pinned !== given)
    throw new Fault('config.name', `The credentials are those of ${pinned}: leave --name ${given} out, or get its own`)
  return pinned ?? given
}
