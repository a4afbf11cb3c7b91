import { existsSync, mkdtempSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Batch } from '#bus/bus'
import { openBus } from '#bus/jetstream'
import { eventsOf } from '../events.ts'
import { freePort, millrace, run, stop, temporaryFolders } from '../processes.ts'

const folder = mkdtempSync(join(temporaryFolders()(), 'custom-node-'))

/** What happens over there, until it is stopped. */
const world = (env: Readonly<Record<string, string>>) =>
  run(process.execPath, ['examples/custom-node/world.ts'], { env: { ...process.env, EVERY: '300', ...env } })

test('a feed and a table, each a kind of its own, start runs; what is gone for a while is said, and gone on with', async () => {
  const [web, nats, port] = [await freePort(2), await freePort(), await freePort()]
  const there = { PORT: String(port), ORDERS_DB: join(folder, 'orders.db') }
  const first = world(there)
  await first.says(/news 0/)
  const args = ['up', 'examples/custom-node/custom-node.ts', '--base', folder, '--state', join(folder, 'state')]
  const up = millrace([...args, '--port', String(web), '--nats-port', String(nats)], {
    FEED_URL: `http://127.0.0.1:${port}/feed.json`,
    ORDERS_DB: there.ORDERS_DB,
  })
  await up.says(/run custom_node\/0 succeeded/)
  const report = readFileSync(join(folder, 'node-artifacts/reports/report0.txt'), 'utf8')
  expect(report).toMatch(/^news \d$/m)
  expect(report).toMatch(/^\{"id":\d,"version":1,"item":"item \d"\}$/m)

  const bus = await openBus({ url: `nats://127.0.0.1:${nats}`, principal: 'judge' })
  /** Waits until an event of a type that is told of the feed holds a text. */
  const has = async (type: string, text = ''): Promise<void> => {
    const found = new AbortController()
    const look = ({ events }: Batch) => {
      const told = events.filter((event) => event.type === type && event.address.key === 'feed')
      if (told.some(({ data }) => JSON.stringify(data).includes(text))) found.abort()
    }
    await bus.follow({ logId: bus.logId, sequence: 0 }, look, found.signal)
  }
  expect(await stop(first)).toBeNull()
  await has('artifact.source-failing', 'ECONNREFUSED')
  const second = world(there)
  await second.says(/news 0/)
  await has('artifact.source-back')
  expect(await stop(second)).toBeNull()
  const events = await eventsOf(bus)
  const seen = events
    .filter(({ type, address }) => type === 'artifact.detected' && address.key === 'orders')
    .map(({ data }) => (data as { path: string }).path)
  expect(seen).toContain('1.json')
  expect(new Set(seen).size).toBe(seen.length)
  await bus.close()
  expect(await stop(up)).toBe(0)
  expect(existsSync(join(folder, 'node-artifacts/feed/news/0.txt'))).toBe(true)
}, 90_000)
