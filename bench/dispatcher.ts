import { jetstreamManager } from '@nats-io/jetstream'
import type { Bus } from '#bus/bus'
import { dispatch } from '#bus/dispatcher'
import { encodeCarried } from '#bus/message'
import type { Numbered, Recorded } from '#contracts/envelope'
import { workOf } from '#contracts/subjects'
import { onGround } from './ground.ts'
import { inTurn, secondsOf, until } from './measure.ts'
import type { Bench } from './report.ts'
import { scheduled } from './scheduled.ts'

/** From events in the log to work that can be taken, against putting the same work one by one. */
export const dispatcher: Bench = ({ short }) =>
  onGround(async ({ bus: open, bare }) => {
    const [bus, nc] = [await open(), await bare()]
    const jsm = await jetstreamManager(nc)
    const [burst, few] = short ? [2_000, 200] : [20_000, 2_000]
    const waiting = async () => (await jsm.streams.info('WORK')).state.messages

    const ours = async (round: number) => {
      await jsm.streams.purge('WORK')
      await schedule(bus, `ours-${round}`, burst)
      const stop = new AbortController()
      let dispatching: Promise<void> | undefined
      const seconds = await secondsOf(async () => {
        dispatching = dispatch(bus, stop.signal)
        await until(async () => (await waiting()) >= burst)
      })
      stop.abort()
      await dispatching
      return burst / seconds
    }
    const twin = async (round: number) => {
      await jsm.streams.purge('WORK')
      const messages = scheduled(`twin-${round}`, few).map((event, index) => {
        const { headers, body } = encodeCarried(recorded(event, index + 1))
        headers.delete('Nats-Msg-Id')
        return { subject: workOf('bench', 'node', event.id), headers, body }
      })
      const seconds = await secondsOf(async () => {
        for (const { subject, headers, body } of messages) {
          const ack = (await nc.request(subject, body, { headers, timeout: 10_000 })).json<{ seq?: number }>()
          if (!ack.seq) throw new Error('Not stored')
        }
      })
      return few / seconds
    }
    return [
      {
        what: `dispatcher, ${burst} events to work`,
        unit: 'events/s',
        ...(await inTurn(short ? 1 : 7, ours, twin)),
        bar: { atLeast: 3 },
        aim: { atLeast: 20_000 },
      },
    ]
  })

const addressOf = (key: string) => ({ aggregate: 'run', scope: 'bench', key })

/** Puts events of so many runs into the log, a thousand at a time. */
const schedule = async (bus: Bus, key: string, count: number): Promise<void> => {
  for (let start = 0; start < count; start += 1000) {
    const events = scheduled(`${key}-${start}`, Math.min(1000, count - start))
    await bus.append([{ address: addressOf(`${key}-${start}`), expectedVersion: 0, events }])
  }
}

const recorded = (event: Numbered, sequence: number): Recorded => ({
  ...event,
  address: addressOf('twin'),
  sequence,
  position: `bench.${sequence}`,
  storedAt: Date.now(),
})
