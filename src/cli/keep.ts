import { setTimeout as delay } from 'node:timers/promises'
import { aborted } from '#bus/abort'
import { reasonOf } from '#bus/fault'
import { startOrShare } from './share.ts'
import type { Where } from './start.ts'

/**
 * Keeps a server running: started or adopted here, and started again whenever it ends by itself. One that another process
 * keeps is used as it is; when it ends, it is started here, unless the other one was quicker.
 */
export const keepServer = async (
  state: string,
  port: number,
  say: (line: string) => void,
  where: Where,
  signal: AbortSignal,
) => {
  const ending = new AbortController()
  let server = await startOrShare(state, port, where, say, signal)
  const { url } = server
  const elsewhere = server.port === port ? '' : `: this state folder's own, so port ${port} is not used`
  if (server.shared) say(`Using the NATS server that answers at ${url}${elsewhere}`)
  else say(`NATS ${server.adopted ? 'goes on' : 'listens'} at ${url}`)
  const startAgain = async (): Promise<void> => {
    for (let tries = 0; !ending.signal.aborted; tries++) {
      try {
        server = await startOrShare(state, server.port, server.where, say, ending.signal)
        return
      } catch (cause) {
        if (ending.signal.aborted) return
        say(reasonOf(cause))
        const pause = Math.min(10_000, 250 * 2 ** Math.min(tries, 6))
        await delay(pause, undefined, { signal: ending.signal }).catch(() => undefined)
      }
    }
  }
  /** Stops what runs in the end, also a server whose start was under way when that was asked for. */
  const keep = async (): Promise<void> => {
    for (;;) {
      await Promise.race([server.exited, aborted(ending.signal)])
      if (ending.signal.aborted) return server.stop()
      say('The NATS server ended; starting it again')
      await startAgain()
    }
  }
  const kept = keep()
  return {
    url,
    stop: (): Promise<void> => {
      ending.abort()
      return kept
    },
  }
}
