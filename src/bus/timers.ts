import type { JsMsg } from '@nats-io/jetstream'
import { timerDueOf, timerSetOf, timersDue } from '#contracts/subjects'
import type { Bus } from './bus.ts'
import type { Connection } from './connection.ts'
import { decodeCarried, encodeCarried } from './message.ts'
import { asFault, store } from './publish.ts'
import { acknowledge, pull } from './pull.ts'
import { openDurable } from './work.ts'

/**
 * Durable delays as JetStream schedules (ADR-51 of NATS). A timer fires about a quarter of a second late, sometimes
 * twice, and never before its time; whoever gets it checks whether it still matters.
 */
export const openTimers = (connection: Connection, logId: string): Pick<Bus, 'setTimer' | 'timers'> => {
  const setTimer: Bus['setTimer'] = async (where, event, at) => {
    const { headers, body } = encodeCarried(event)
    headers.set('Nats-Msg-Id', `timer-${where}-${event.id}`)
    headers.set('Nats-Schedule', `@at ${new Date(at).toISOString()}`)
    headers.set('Nats-Schedule-Target', timerDueOf(where, event.id))
    const stored = await store(connection, { subject: timerSetOf(where, event.id), headers, body })
    if (!stored.stored) throw asFault('a timer', stored)
  }

  const timers: Bus['timers'] = (where, handle, signal) => {
    const handOn = async (message: JsMsg) => {
      const event = decodeCarried(logId, message)
      if (event) await handle(event)
      await acknowledge(connection, message).catch(() => undefined) // It fires again then, as it may anyway.
      await connection.jsm.streams.deleteMessage('TIMERS', message.seq, false).catch(() => undefined)
    }
    return pull(
      connection,
      {
        open: () =>
          openDurable(connection, 'TIMERS', { durable_name: `due=${where}`, filter_subject: timersDue(where) }),
        handle: async (messages) => {
          for (const [at, message] of messages.entries())
            if (signal.aborted) return messages.slice(at)
            else await handOn(message)
          return []
        },
        acknowledged: true,
      },
      signal,
    )
  }

  return { setTimer, timers }
}
