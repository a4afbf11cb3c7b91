import { createHash } from 'node:crypto'
import type { Rows } from './rows.ts'

type Ended = { readonly run: string; readonly since: number }

/**
 * Gives runs that have ended and have no hash yet theirs; says whether there are more than `limit`. A step of its own because
 * what belongs to a run is found by indexes, which a rebuild makes last.
 */
export const hashRuns = (rows: Rows, limit = 100): boolean => {
  const ended = rows.all<Ended>('select run, since from runs where hash is null and endedAt is not null limit ?', limit)
  for (const { run, since } of ended)
    rows.all('update runs set hash = ? where run = ? and since = ? returning run', hashOf(rows, run, since), run, since)
  return ended.length === limit
}

/**
 * What a run did until it ended, as one SHA-256: over what it was offered, what its nodes gave, and what was logged about it.
 * Numbers of runs, times, hosts and attempts are no part of it: two runs with the same hash did the same.
 */
const hashOf = (rows: Rows, run: string, end: number): string => {
  const hash = createHash('sha256')
  for (const { about, sql, key } of parts) {
    const found = rows.all<Row>(sql, run, end)
    // Of what is given twice at one place, or said twice, the last counts.
    const counted = key
      ? new Map(found.map((row) => [JSON.stringify(key.map((name) => row[name])), row])).values()
      : found
    hash.update(`${about}\n`)
    for (const line of [...counted].map((row) => JSON.stringify(Object.values(row))).toSorted())
      hash.update(`${line}\n`)
  }
  return hash.digest('hex')
}

type Row = Readonly<Record<string, unknown>>

const artifacts = (what: string) =>
  `select store, path, digest from artifact_history where run = ? and sequence <= ? and what in (${what}) order by sequence`
const noted = (table: string, more = '') =>
  `select part, key, value${more} from ${table} where run = ? and sequence <= ? order by sequence`

const parts: readonly { readonly about: string; readonly sql: string; readonly key?: readonly string[] }[] = [
  { about: 'inputs', sql: artifacts(`'offered'`), key: ['store', 'path'] },
  { about: 'outputs', sql: artifacts(`'produced', 'uploaded'`), key: ['store', 'path'] },
  { about: 'metrics', sql: noted('metrics', ', step') },
  { about: 'params', sql: noted('params'), key: ['part', 'key'] },
  { about: 'tags', sql: noted('tags'), key: ['part', 'key'] },
]
