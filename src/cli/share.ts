import { resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { orAborted } from '#bus/abort'
import { connectionOf } from '#bus/connection-of'
import { Fault } from '#bus/fault'
import { openBus } from '#bus/jetstream'
import { gone, lives } from '#bus/lock'
import type { Server } from '#bus/server'
import { recall, urlOf } from '#bus/server-place'
import { isClosed, startNats, type Where } from './start.ts'

/** A server of this machine. One that is `shared` is kept by another process: it is not ours to stop. */
export type Kept = Server & { readonly shared: boolean; readonly where: Where }

/** How often another process's server is looked at, in milliseconds. */
const pause = 100

/** Starts the server of a state folder. Where another process keeps it or is just starting it, waits for that one and uses it. */
export const startOrShare = async (
  state: string,
  port: number,
  where: Where,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<Kept> => {
  for (let told = false; ; told = true) {
    signal.throwIfAborted()
    try {
      const server = await startNats(state, port, where, signal)
      return { ...server, shared: false, where: { ...where, tls: server.url.startsWith('tls:') } }
    } catch (cause) {
      if (!(cause instanceof Fault) || cause.code !== 'lock.held') throw cause
      for (let tries = 0; tries < 10; tries++) {
        const found = await runningIn(state)
        if (found && isClosed(where) && !found.where.tls) throw cause
        if (found) return found
        await orAborted(delay(pause), signal)
      }
      if (!told) say(`Waiting for a server that is being started: ${cause.message}`)
    }
  }
}

/** The server that the state folder names, once it answers. */
const runningIn = async (state: string): Promise<Kept | undefined> => {
  const remembered = await recall(resolve(state, 'nats'))
  if (!remembered || !(await lives(remembered))) return undefined
  const url = await urlOf(remembered)
  try {
    const bus = await openBus({ ...connectionOf({ state, nats: url }), principal: 'nats' })
    await bus.close()
  } catch (cause) {
    if (cause instanceof Fault && !beginning.has(cause.code)) throw cause
    return undefined
  }
  const { port, pid, host } = remembered
  const where = { host, tls: url.startsWith('tls:') }
  return { url, port, pid, where, adopted: false, shared: true, exited: gone(remembered), stop: async () => undefined }
}

/** What a server answers, if anything, that is still being started. */
const beginning: ReadonlySet<string> = new Set(['bus.unreachable', 'bus.timeout', 'bus.closed', 'bus.refused'])
