import { AckPolicy, jetstream, jetstreamManager } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import type { Recorded } from '#contracts/envelope'
import { header } from '#contracts/envelope'
import { historyOf, timerDueOf, timerSetOf, timersDue } from '#contracts/subjects'
import { decode, encode, foundBy } from './message.ts'
import { asFault, publish } from './publish.ts'
import { pull } from './pull.ts'

/**
 * Durable delays as JetStream schedules (ADR-51 of NATS). A timer fires about a quarter of a second late, sometimes
 * twice, and never before its time; whoever gets it checks whether it still matters.
 */
export const openTimers = async (nc: NatsConnection, logId: string) => {
  const jsm = await jetstreamManager(nc, { checkAPI: false })

  const setTimer = async (where: string, event: Recorded, at: number): Promise<void> => {
    const { headers, body } = encode(historyOf(event.address), event)
    headers.set('Nats-Msg-Id', `timer-${event.id}`)
    headers.set('Nats-Schedule', `@at ${new Date(at).toISOString()}`)
    headers.set('Nats-Schedule-Target', timerDueOf(where, event.id))
    const stored = await publish(nc, { subject: timerSetOf(where, event.id), headers, body })
    if (!stored.stored) throw asFault('a timer', stored)
  }

  const timers = (where: string, handle: (event: Recorded) => Promise<void>, signal: AbortSignal): Promise<void> =>
    pull(
      nc,
      {
        open: async () => {
          const name = `due--${where}`
          await jsm.consumers.add('TIMERS', {
            durable_name: name,
            filter_subject: timersDue(where),
            ack_policy: AckPolicy.Explicit,
          })
          return jetstream(nc).consumers.get('TIMERS', name)
        },
        handle: async (messages) => {
          for (const message of messages) {
            const event = decode(logId, { ...foundBy(message), subject: message.headers?.get(header.subject) ?? '' })
            if (event) await handle(event)
            await message.ackAck()
            await jsm.streams.deleteMessage('TIMERS', message.seq, false).catch(() => undefined)
          }
        },
      },
      signal,
    )

  return { setTimer, timers }
}
