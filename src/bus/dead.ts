import { isDeepStrictEqual } from 'node:util'
import type { StoredMsg } from '@nats-io/jetstream'
import { headers } from '@nats-io/transport-node'
import { deadOf } from '#contracts/subjects'
import type { Bus, Dead } from './bus.ts'
import { type Connection, reliably, unlessDenied } from './connection.ts'
import { readDirectly } from './direct.ts'
import { asFault, store } from './publish.ts'

const isDirectGet = (subject: string): boolean => subject.startsWith('$JS.API.DIRECT.GET.DEAD')
const isDelete = (subject: string): boolean => subject === '$JS.API.STREAM.MSG.DELETE.DEAD'

/** The letter in a message; none where somebody put there what is no letter. */
const letterIn = (message: StoredMsg): Dead[] => {
  try {
    return [message.json<Dead>()]
  } catch {
    return []
  }
}

/** What agents gave up on: one letter for each piece of work, the latest. */
export const openDead = (connection: Connection): Pick<Bus, 'bury' | 'dead' | 'unbury'> => {
  const bury: Bus['bury'] = async (dead) => {
    const subject = deadOf(dead.where, dead.agent, dead.eventId)
    const stored = await store(connection, { subject, headers: headers(), body: JSON.stringify(dead) })
    if (!stored.stored) throw asFault('a dead letter', stored)
  }

  /** Letters from one place of the stream on, on subjects that may hold wildcards. */
  const read = (from: number, subject: string, limit: number): Promise<StoredMsg[]> =>
    unlessDenied(connection, 'read dead letters', isDirectGet, () =>
      readDirectly(connection.jsm, 'DEAD', { from, subject, limit }),
    )

  const dead: Bus['dead'] = async () => {
    const letters: Dead[] = []
    for (let from = 1; ; ) {
      const found = await reliably(connection, 'read dead letters', () => read(from, 'dead.>', 256))
      const last = found.at(-1)
      if (!last) return letters
      letters.push(...found.flatMap(letterIn))
      from = last.seq + 1
    }
  }

  const unbury: Bus['unbury'] = async (dead) => {
    const what = 'remove a dead letter'
    const place = async (): Promise<number | undefined> => {
      const [found] = await read(1, deadOf(dead.where, dead.agent, dead.eventId), 1)
      return found && isDeepStrictEqual(letterIn(found)[0], dead) ? found.seq : undefined
    }
    await reliably(connection, what, async () => {
      const at = await place()
      if (at === undefined) return
      const remove = () => connection.jsm.streams.deleteMessage('DEAD', at, false)
      await unlessDenied(connection, what, isDelete, remove).catch(async (cause: unknown) => {
        if ((await place()) === at) throw cause // Else somebody was quicker, or this was, and the answer was lost.
      })
    })
  }

  return { bury, dead, unbury }
}
