import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import Database from 'better-sqlite3'

/**
 * What one host keeps on disk for one log: its outbox, what lies in its stores, which work it holds and how work ended
 * that is not yet reported. A new log begins with an empty one.
 */
export const openLocal = (path: string): Database.Database => {
  mkdirSync(dirname(path), { recursive: true })
  const db = new Database(path)
  db.pragma('journal_mode = wal')
  db.pragma('synchronous = normal') // A kill loses nothing; against a power cut, see durably.
  const has = (table: string, column: string): boolean =>
    db.prepare('select 1 from pragma_table_info(?) where name = ?').get(table, column) !== undefined
  // A promise as it once was can't say what would be recorded.
  if (has('promises', 'digest')) db.exec('drop table promises')
  db.exec(`
    create table if not exists files (
      store text not null,
      path text not null,
      digest text not null,
      size integer not null,
      modified text not null,
      origin text not null,
      fact text,
      delivery integer,
      version text,
      primary key (store, path)
    ) strict, without rowid;
    create table if not exists holdings (
      event text primary key,
      receipt text not null,
      renewed integer not null
    ) strict, without rowid;
    create table if not exists tries (
      event text primary key,
      begun integer not null default 0,
      lost integer not null default 0
    ) strict, without rowid;
    create table if not exists heard (
      event text primary key,
      until text not null
    ) strict, without rowid;
    create table if not exists promises (
      store text not null,
      path text not null,
      promise text not null,
      primary key (store, path)
    ) strict, without rowid;
    create table if not exists said (
      store text not null,
      path text not null,
      said text not null,
      primary key (store, path)
    ) strict, without rowid;
    create table if not exists watched (
      store text primary key,
      place text
    ) strict, without rowid;
    create table if not exists looked (
      store text primary key,
      place text not null
    ) strict, without rowid;
    create table if not exists fetched (
      store text primary key
    ) strict, without rowid;
    create table if not exists failing (
      store text primary key,
      reason text not null
    ) strict, without rowid;
    create table if not exists measured (
      pipeline text not null,
      log text not null,
      sequence integer not null,
      sums text not null,
      primary key (pipeline, log)
    ) strict, without rowid;
    create table if not exists results (
      event text primary key,
      execution text not null,
      result text not null
    ) strict, without rowid;
  `)
  if (!has('files', 'delivery')) db.exec('alter table files add column delivery integer')
  if (!has('files', 'version')) db.exec('alter table files add column version text')
  if (!has('watched', 'place')) db.exec('alter table watched add column place text')
  if (!has('tries', 'begun')) db.exec('alter table tries add column begun integer not null default 0')
  return db
}

export type Local = Database.Database
