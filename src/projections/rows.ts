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

/** A table as it is written: its columns, those that hold JSON, and the statements prepared for it so far. */
type Shape = {
  readonly name: string
  readonly columns: readonly string[]
  readonly json: ReadonlySet<string>
  readonly insert: Statement
  /** By the columns that they ask for, with a comma between. */
  readonly held: Map<string, Statement>
  readonly end: Map<string, Statement>
}

/** The write path of a projection. */
export const rowsOf = (db: Database): Rows => {
  const asked = new Map<string, Statement>()
  const shapes = new Map<SQLiteTable, Shape>()

  const known = <Key>(statements: Map<Key, Statement>, key: Key, sql: () => string): Statement => {
    const found = statements.get(key) ?? db.prepare(sql())
    statements.set(key, found)
    return found
  }
  const shapeOf = (table: SQLiteTable): Shape => {
    const found = shapes.get(table) ?? readShape(db, table)
    shapes.set(table, found)
    return found
  }
  const insert = ({ columns, insert }: Shape, row: Stored): void => {
    insert.run(columns.map((column) => row[column] ?? null))
  }
  const held = ({ name, held }: Shape, like: Stored): Stored[] => {
    const given = Object.keys(like)
    const select = known(held, given.join(), () => `select * from "${name}" where ${nowWhere(given)}`)
    return select.all(Object.values(like)) as Stored[]
  }
  /** Ends what holds now under a key; gives it as it was, but for its end. */
  const end = ({ name, end }: Shape, key: Stored, sequence: number): Stored[] => {
    const given = Object.keys(key)
    const sql = () => `update "${name}" set "until" = ? where ${nowWhere(given)} returning *`
    return known(end, given.join(), sql).all(sequence, Object.values(key)) as Stored[]
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
    const ended = end(shape, stored(shape, key), sequence)
    if (ended.length === 0) return
    const changed = stored(shape, change)
    for (const row of ended) insert(shape, { ...row, ...changed, since: sequence, until: null })
  }
  const now = ((table, like) => {
    const shape = shapeOf(table)
    return held(shape, stored(shape, like)).map((row) => read(shape, row))
  }) as Rows['now']

  return { add, put, turn, now, all: (sql, ...values) => known(asked, sql, () => sql).all(...values) as never }
}

type Stored = Readonly<Record<string, unknown>>

const quoted = (column: string): string => `"${column}"`

/** What holds now and agrees in these columns. */
const nowWhere = (given: readonly string[]): string =>
  ['"until" is null', ...given.map((column) => `${quoted(column)} = ?`)].join(' and ')

const readShape = (db: Database, table: SQLiteTable): Shape => {
  const described = Object.entries(getTableColumns(table))
  const [name, columns] = [getTableName(table), described.map(([key]) => key)]
  const places = columns.map(() => '?').join(', ')
  return {
    name,
    columns,
    json: new Set(described.flatMap(([key, column]) => (column.dataType === 'json' ? [key] : []))),
    insert: db.prepare(`insert or replace into "${name}" (${columns.map(quoted).join(', ')}) values (${places})`),
    held: new Map(),
    end: new Map(),
  }
}

/** A row as SQLite keeps it: JSON as text. */
const stored = ({ json }: Shape, row: object): Stored => {
  const kept: Record<string, unknown> = { ...row }
  for (const column of json)
    if (kept[column] !== null && kept[column] !== undefined) kept[column] = JSON.stringify(kept[column])
  return kept
}

const read = ({ json }: Shape, row: Stored): Stored => {
  const given: Record<string, unknown> = { ...row }
  for (const column of json) if (typeof given[column] === 'string') given[column] = JSON.parse(given[column])
  return given
}
