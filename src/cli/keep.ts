import { setTimeout as delay } from 'node:timers/promises'
import { reasonOf } from '#bus/fault'
import { startNats, type Where } from './nats.ts'

/** Keeps a server running: started or adopted here, and started again whenever it ends by itself. */
export const keepServer = async (state: string, port: number, say: (line: string) => void, where: Where = {}) => {
  const ending = new AbortController()
  let server = await startNats(state, port, where)
  say(`NATS ${server.adopted ? 'goes on' : 'listens'} at ${server.url}`)
  const keep = async (): Promise<void> => {
    for (;;) {
      await server.exited
      if (ending.signal.aborted) return
      say('The NATS server ended by itself; starting it again')
      for (let tries = 0; !ending.signal.aborted; tries++) {
        try {
          server = await startNats(state, server.port, { ...where, tls: server.url.startsWith('tls:') })
          break
        } catch (cause) {
          say(reasonOf(cause))
          await delay(Math.min(10_000, 250 * 2 ** Math.min(tries, 6)), undefined, { signal: ending.signal }).catch(
            () => undefined,
          )
        }
      }
    }
  }
  const kept = keep()
  return {
    url: server.url,
    stop: async () => {
      ending.abort()
      await server.stop()
      await kept
    },
  }
}
