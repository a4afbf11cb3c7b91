import Database from 'better-sqlite3'
import type { Batch, Bus } from '#bus/bus'
import type { Recorded } from '#contracts/envelope'

/** The whole log. */
export const allOf = async (bus: Bus): Promise<readonly Recorded[]> => {
  const events: Recorded[] = []
  const stop = new AbortController()
  const head = await bus.head()
  const take = (batch: Batch) => {
    events.push(...batch.events)
    if (batch.upTo >= head) stop.abort()
  }
  if (head > 0) await bus.follow({ logId: bus.logId, sequence: 0 }, take, stop.signal)
  return events
}

/** Every row of every table. */
export const rowsIn = (file: string) => {
  const db = new Database(file, { readonly: true })
  const tables = db
    .prepare("select name from sqlite_master where type = 'table' order by name")
    .pluck()
    .all() as string[]
  const rows = tables.map((table) => [
    table,
    db
      .prepare(`select * from "${table}"`)
      .all()
      .map((row) => JSON.stringify(row))
      .toSorted(),
  ])
  db.close()
  return Object.fromEntries(rows)
}
