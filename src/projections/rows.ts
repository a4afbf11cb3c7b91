import type { Database, Statement } from 'better-sqlite3'
import { getTableColumns, getTableName } from 'drizzle-orm'
import type { SQLiteTable } from 'drizzle-orm/sqlite-core'

type RowOf<T extends SQLiteTable> = T['$inferSelect']
type Written<T extends SQLiteTable> = T['$inferInsert']

/** What changes: its rows hold since one sequence and until another. */
type Changing = SQLiteTable & { readonly $inferSelect: { readonly since: number; readonly until: number | null } }

/** What a handler may do to the tables. Statements are prepared once; nothing else writes. */
export type Rows = {
  /** Adds a row to a table that only grows. */
  readonly add: <T extends SQLiteTable>(table: T, row: Written<T>) => void
  /** Ends what holds now under a key, if anything does, and begins this. */
  readonly put: <T extends Changing, K extends keyof Written<T>>(
    table: T,
    key: Pick<Written<T>, K>,
    row: Omit<Written<T>, K | 'since' | 'until'>,
    sequence: number,
  ) => void
  /** Changes what holds now under a key; leaves it alone where nothing does. */
  readonly turn: <T extends Changing>(
    table: T,
    key: Partial<Written<T>>,
    change: Partial<Written<T>>,
    sequence: number,
  ) => void
  /** What holds now, of the rows that agree with `like`. */
  readonly now: <T extends Changing>(table: T, like: Partial<Written<T>>) => readonly RowOf<T>[]
  /** Asks in SQL what the others can't say. */
  readonly all: <Row>(sql: string, ...values: readonly unknown[]) => readonly Row[]
}

type Shape = { readonly name: string; readonly columns: readonly string[]; readonly json: ReadonlySet<string> }

/** The write path of a projection. */
export const rowsOf = (db: Database): Rows => {
  const statements = new Map<string, Statement>()
  const shapes = new Map<SQLiteTable, Shape>()

  const prepare = (sql: string): Statement => {
    const known = statements.get(sql) ?? db.prepare(sql)
    statements.set(sql, known)
    return known
  }
  const shapeOf = (table: SQLiteTable): Shape => {
    const known = shapes.get(table) ?? readShape(table)
    shapes.set(table, known)
    return known
  }
  const insert = ({ name, columns }: Shape, row: Stored): void => {
    const places = columns.map(() => '?').join(', ')
    const sql = `insert or replace into "${name}" (${columns.map(quoted).join(', ')}) values (${places})`
    prepare(sql).run(...columns.map((column) => row[column] ?? null))
  }
  const held = ({ name }: Shape, like: Stored): Stored[] => {
    const given = Object.keys(like)
    const where = ['"until" is null', ...given.map((column) => `${quoted(column)} = ?`)].join(' and ')
    return prepare(`select * from "${name}" where ${where}`).all(...given.map((column) => like[column])) as Stored[]
  }
  const end = ({ name }: Shape, { since, ...key }: Stored, sequence: number): void => {
    const given = Object.keys(key)
    const where = ['"until" is null', ...given.map((column) => `${quoted(column)} = ?`)].join(' and ')
    prepare(`update "${name}" set "until" = ? where ${where}`).run(sequence, ...given.map((column) => key[column]))
  }

  const add: Rows['add'] = (table, row) => {
    const shape = shapeOf(table)
    insert(shape, stored(shape, row))
  }
  const put: Rows['put'] = (table, key, row, sequence) => {
    const shape = shapeOf(table)
    const name = stored(shape, key)
    end(shape, name, sequence)
    insert(shape, { ...name, ...stored(shape, row), since: sequence, until: null })
  }
  const turn: Rows['turn'] = (table, key, change, sequence) => {
    const shape = shapeOf(table)
    const name = stored(shape, key)
    const changed = stored(shape, change)
    const before = held(shape, name)
    if (before.length === 0) return
    end(shape, name, sequence)
    for (const row of before) insert(shape, { ...row, ...changed, since: sequence, until: null })
  }
  const now = ((table, like) => {
    const shape = shapeOf(table)
    return held(shape, stored(shape, like)).map((row) => read(shape, row))
  }) as Rows['now']

  return { add, put, turn, now, all: (sql, ...values) => prepare(sql).all(...values) as never }
}

type Stored = Readonly<Record<string, unknown>>

const quoted = (column: string): string => `"${column}"`

const readShape = (table: SQLiteTable): Shape => {
  const columns = Object.entries(getTableColumns(table))
  return {
    name: getTableName(table),
    columns: columns.map(([key]) => key),
    json: new Set(columns.flatMap(([key, column]) => (column.dataType === 'json' ? [key] : []))),
  }
}

/** A row as SQLite keeps it: JSON as text. */
const stored = ({ json }: Shape, row: object): Stored =>
  Object.fromEntries(
    Object.entries(row).map(([column, value]) => [
      column,
      json.has(column) && value !== null && value !== undefined ? JSON.stringify(value) : value,
    ]),
  )

const read = ({ json }: Shape, row: Stored): Stored =>
  Object.fromEntries(
    Object.entries(row).map(([column, value]) => [
      column,
      json.has(column) && typeof value === 'string' ? JSON.parse(value) : value,
    ]),
  )
