import { join } from 'node:path'
import type { NatsConnection } from '@nats-io/transport-node'
import Database from 'better-sqlite3'
import type { Bus } from '#bus/bus'
import { encode } from '#bus/message'
import { type Fact, openOutbox } from '#bus/outbox'
import { historyOf } from '#contracts/subjects'
import { onGround } from './ground.ts'
import { inTurn, secondsOf } from './measure.ts'
import type { Bench } from './report.ts'

/** How many plain publishes are under way. */
const underWay = 256

/** Facts that wait in an outbox on disk until the log has them all, against the same ones published one by one. */
export const facts: Bench = ({ short }) =>
  onGround(async ({ folder, bus: open, bare }) => {
    const [bus, nc] = [await open(), await bare()]
    const count = short ? 1000 : 10_000
    const ours = async (round: number) => {
      const db = new Database(join(folder, `outbox-${round}.db`))
      db.pragma('journal_mode = wal')
      db.pragma('synchronous = normal')
      const outbox = openOutbox(db, 'bench')
      db.transaction(() => {
        for (const fact of factsOf(`ours-${round}`, count)) outbox.post(fact)
      })()
      const seconds = await secondsOf(() => sendAll(bus, outbox))
      db.close()
      return count / seconds
    }
    const twin = async (round: number) => {
      const messages = factsOf(`twin-${round}`, count).map(messageOf)
      return count / (await secondsOf(() => publishAll(nc, messages)))
    }
    return [
      {
        what: `facts through the outbox, ${count} waiting`,
        unit: 'facts/s',
        ...(await inTurn(short ? 1 : 9, ours, twin)),
        bar: { atLeast: 4 },
        aim: { atLeast: 15_000 },
      },
    ]
  })

const sendAll = async (bus: Bus, outbox: ReturnType<typeof openOutbox>): Promise<void> => {
  const stop = new AbortController()
  const sent = outbox.send(bus, stop.signal)
  await outbox.flushed()
  stop.abort()
  await sent
}

type Message = { readonly subject: string } & ReturnType<typeof encode>

const publishAll = async (nc: NatsConnection, messages: readonly Message[]): Promise<void> => {
  const left = messages.values()
  const publish = async () => {
    for (const { subject, body, headers } of left) {
      const ack = (await nc.request(subject, body, { headers, timeout: 10_000 })).json<{ seq?: number }>()
      if (!ack.seq) throw new Error('Not stored')
    }
  }
  await Promise.all(Array.from({ length: underWay }, publish))
}

const factsOf = (key: string, count: number): Fact[] =>
  Array.from({ length: count }, (_, step) => ({
    address: { aggregate: 'tracking', scope: 'bench', key },
    type: 'tracking.metric-logged',
    data: { key: 'loss', value: 1 / (step + 1), step, run: 'bench/1' },
  }))

const messageOf = ({ address, type, data }: Fact, index: number): Message => {
  const [subject, id] = [historyOf(address), `${address.aggregate}.${address.scope}.${address.key}-${index + 1}`]
  const about = { source: 'bench', time: new Date().toISOString(), correlationId: id, causationId: id }
  return { subject, ...encode(subject, { id, type, version: 1, ...about, principal: 'bench', data }) }
}
