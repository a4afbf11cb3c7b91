import type { NatsConnection } from '@nats-io/transport-node'
import type { Bus } from '#bus/bus'
import { encode } from '#bus/message'
import type { Numbered } from '#contracts/envelope'
import { type Address, historyOf } from '#contracts/subjects'
import { onGround } from './ground.ts'
import { inTurn, secondsOf } from './measure.ts'
import type { Bench } from './report.ts'
import { scheduled } from './scheduled.ts'

const expectation = 'Nats-Expected-Last-Subject-Sequence'

/** Appends of one event at an expected version against a bare request with the same headers, expectation and body. */
export const append: Bench = ({ short }) =>
  onGround(async ({ bus: open, bare }) => {
    const [bus, nc] = [await open(), await bare()]
    const measure = async (aggregates: number, each: number) => {
      const perSecond = (write: Write, side: string) => async (round: number) => {
        const histories = Array.from({ length: aggregates }, (_, key) => historyFor(`${side}-${round}-${key}`, each))
        return (aggregates * each) / (await secondsOf(() => Promise.all(histories.map(write))))
      }
      const side = `${aggregates}x${each}`
      return inTurn(short ? 1 : 15, perSecond(appending(bus), `a${side}`), perSecond(requesting(nc), `b${side}`))
    }
    const unit = 'events/s'
    const bar = { atLeast: 0.85 }
    return [
      { what: 'append, one by one', unit, bar, ...(await measure(1, short ? 50 : 400)) },
      { what: 'append, 64 at a time on 64 aggregates', unit, bar, ...(await measure(64, short ? 5 : 60)) },
    ]
  })

type Story = { readonly address: Address; readonly events: readonly Numbered[] }
type Write = (history: Story) => Promise<void>

const appending =
  (bus: Bus): Write =>
  async ({ address, events }) => {
    let expectedVersion = 0
    for (const event of events) {
      const position = await bus.append([{ address, expectedVersion, events: [event] }])
      if (position === 'conflict') throw new Error('Nobody else writes here')
      expectedVersion = position
    }
  }

const requesting =
  (nc: NatsConnection): Write =>
  async ({ address, events }) => {
    const subject = historyOf(address)
    let expected = 0
    for (const event of events) {
      const { headers, body } = encode(subject, event)
      headers.set(expectation, String(expected))
      const ack = (await nc.request(subject, body, { headers, timeout: 10_000 })).json<{ seq?: number }>()
      if (!ack.seq) throw new Error('Not stored')
      expected = ack.seq
    }
  }

const historyFor = (key: string, length: number): Story => ({
  address: { aggregate: 'run', scope: 'bench', key },
  events: scheduled(key, length),
})
