import { join } from 'node:path'
import { jetstream } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import Database from 'better-sqlite3'
import type { Bus } from '#bus/bus'
import { openDatabase, openForBuilding, settle } from '#projections/database'
import { follow } from '#projections/follower'
import { metadata } from '#projections/metadata'
import { onGround } from './ground.ts'
import { eventsOfRun, fill } from './log.ts'
import { inTurn, secondsOf, until } from './measure.ts'
import type { Bench } from './report.ts'

/**
 * The projection of pipelines built anew from a long log, against a loop of an ordered consumer that inserts the same rows
 * into the same tables: it decodes nothing, decides nothing, and writes each row once, as it was in the end.
 */
export const rebuild: Bench = ({ short, say }) =>
  onGround(async ({ folder, bus: open, bare }) => {
    const [bus, nc] = [await open(), await bare()]
    const runs = Math.ceil((short ? 10_000 : 500_000) / eventsOfRun)
    await fill(bus, runs)
    const events = runs * eventsOfRun
    let rows = 0
    const growths: number[] = []
    const ours = async (round: number) => {
      const path = join(folder, `metadata-${round}.db`)
      openDatabase(path, { ...metadata, version: 0 }, bus.logId).close()
      const residents: number[] = []
      const watch = setInterval(() => residents.push(process.memoryUsage.rss()), 250)
      const seconds = await secondsOf(() => rebuildAt(bus, path))
      clearInterval(watch)
      growths.push(growthOf(residents) / 1e6)
      rows = countRows(path)
      return events / seconds
    }
    const twin = (round: number) =>
      bareLoop(nc, bus.logId, join(folder, `metadata-${round}.db`), join(folder, `twin-${round}.db`), events)
    const measured = await inTurn(short ? 1 : 3, ours, twin)
    say(`${rows} rows of ${events} events`)
    return [
      {
        what: `rebuild of the projection, ${events} events`,
        unit: 'events/s',
        ...measured,
        bar: { atLeast: 0.4 },
        aim: { atLeast: 40_000 },
      },
      {
        what: 'rebuild, growth of resident memory after its first quarter',
        unit: 'MB',
        figure: Math.max(...growths.slice(1)),
        aim: { atMost: 50 },
      },
    ]
  })

/** Opens a projection of another version, which rebuilds it, and waits until the new one is in place and caught up. */
const rebuildAt = async (bus: Bus, path: string): Promise<void> => {
  const stop = new AbortController()
  const follower = await follow({ bus, path, projection: metadata, signal: stop.signal })
  await until(() => follower.now().state === 'following')
  stop.abort()
  await follower.ended
}

/** How much more there was in the last quarter than after the first, at the median of each. */
const growthOf = (residents: readonly number[]): number => {
  const quarter = Math.ceil(residents.length / 4)
  const middle = (some: readonly number[]) => some.toSorted((a, b) => a - b)[Math.floor(some.length / 2)] ?? 0
  return middle(residents.slice(-quarter)) - middle(residents.slice(quarter, 2 * quarter))
}

const tablesOf = (db: Database.Database): readonly string[] =>
  db.prepare("select name from sqlite_master where type = 'table' and name <> 'checkpoint'").pluck().all() as string[]

const countRows = (path: string): number => {
  const db = new Database(path, { readonly: true })
  const count = (table: string) => db.prepare(`select count(*) from "${table}"`).pluck().get() as number
  if (count('rejected') > 0) throw new Error('Some events break their contract')
  const rows = tablesOf(db).reduce((sum, table) => sum + count(table), 0)
  db.close()
  return rows
}

/** Events per second of the bare loop. The rows come from a projection; what it takes to read them there is left out. */
const bareLoop = async (nc: NatsConnection, logId: string, from: string, to: string, events: number) => {
  const db = openForBuilding(to, metadata, logId)
  const source = new Database(from, { readonly: true })
  const batch = 1000
  const tables = tablesOf(source).map((table) => {
    const columns = source.prepare(`select * from "${table}"`).columns()
    const rows = source.prepare(`select count(*) from "${table}"`).pluck().get() as number
    return {
      rows: source.prepare(`select * from "${table}" order by rowid limit ? offset ?`).raw(),
      each: Math.ceil((rows * batch) / events),
      insert: db.prepare(`insert into "${table}" values (${columns.map(() => '?').join(', ')})`),
    }
  })
  const rowsFor = (number: number) =>
    tables.map(({ rows, each, insert }) => ({ insert, rows: rows.all(each, each * number) }))
  const write = db.transaction((some: ReturnType<typeof rowsFor>) => {
    for (const { insert, rows } of some) for (const row of rows) insert.run(row)
  })
  const consumer = await jetstream(nc).consumers.get('EVENTS', { opt_start_seq: 1 })
  const began = performance.now()
  let [received, preparing] = [0, 0]
  for await (const _ of await consumer.consume({ max_messages: batch })) {
    received++
    if (received % batch > 0 && received < events) continue
    const beginning = performance.now()
    const some = rowsFor(Math.ceil(received / batch) - 1)
    preparing += performance.now() - beginning
    write(some)
    if (received === events) break
  }
  settle(db)
  const seconds = (performance.now() - began - preparing) / 1000
  source.close()
  await consumer.delete()
  return events / seconds
}
