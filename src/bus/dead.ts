import type { StoredMsg } from '@nats-io/jetstream'
import { headers } from '@nats-io/transport-node'
import { deadOf } from '#contracts/subjects'
import type { Bus, Dead } from './bus.ts'
import { type Connection, reliably, unlessDenied } from './connection.ts'
import { readDirectly } from './direct.ts'
import { asFault, store } from './publish.ts'

const isDirectGet = (subject: string): boolean => subject.startsWith('$JS.API.DIRECT.GET.DEAD')

/** The letter in a message; none where somebody put there what is no letter. */
const letterIn = (message: StoredMsg): Dead[] => {
  try {
    return [message.json<Dead>()]
  } catch {
    return []
  }
}

/** What agents gave up on: one letter for each piece of work, the latest. */
export const openDead = (connection: Connection): Pick<Bus, 'bury' | 'dead'> => {
  const bury: Bus['bury'] = async (dead) => {
    const subject = deadOf(dead.where, dead.agent, dead.eventId)
    const stored = await store(connection, { subject, headers: headers(), body: JSON.stringify(dead) })
    if (!stored.stored) throw asFault('a dead letter', stored)
  }

  const dead: Bus['dead'] = async () => {
    const letters: Dead[] = []
    for (let from = 1; ; ) {
      const range = { from, subject: 'dead.>', limit: 256 }
      const found = await reliably(connection, 'read dead letters', () =>
        unlessDenied(connection, 'read dead letters', isDirectGet, () => readDirectly(connection.jsm, 'DEAD', range)),
      )
      const last = found.at(-1)
      if (!last) return letters
      letters.push(...found.flatMap(letterIn))
      from = last.seq + 1
    }
  }

  return { bury, dead }
}
