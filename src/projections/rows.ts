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
  /** Ends what holds now under a key, if anything does. */
  readonly end: <T extends Changing>(table: T, key: Partial<Written<T>>, sequence: number) => void
  /** What holds now, of the rows that agree with `like`. */
  readonly now: <T extends Changing>(table: T, like: Partial<Written<T>>) => readonly RowOf<T>[]
  /** Asks in SQL what the others can't say. */
  readonly all: <Row>(sql: string, ...values: readonly unknown[]) => readonly Row[]
}

/** A table as it is written: its columns, which of them hold JSON, and the statements prepared for it so far. */
type Shape = {
  readonly name: string
  readonly columns: readonly string[]
  readonly json: readonly boolean[]
  /** Where each column is in a row. */
  readonly place: ReadonlyMap<string, number>
  readonly insert: Statement
  /** By the columns that they ask for, with a comma between. */
  readonly held: Map<string, Statement>
  readonly end: Map<string, Statement>
}

/** A row as SQLite keeps it, in the order of the columns. */
type Values = unknown[]

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
  /** Ends what holds now under a key; gives it as it was, but for its end. */
  const end = (shape: Shape, key: object, sequence: number): Values[] => {
    const given = Object.keys(key)
    const { name, columns } = shape
    const sql = () =>
      `update "${name}" set "until" = ? where ${nowWhere(given)} returning ${columns.map(quoted).join(', ')}`
    return known(shape.end, given.join(), sql).raw().all(sequence, stored(shape, key)) as Values[]
  }

  const add: Rows['add'] = (table, row) => {
    const shape = shapeOf(table)
    shape.insert.run(whole(shape, row))
  }
  const close: Rows['end'] = (table, key, sequence) => void end(shapeOf(table), key, sequence)
  const put: Rows['put'] = (table, key, row, sequence) => {
    const shape = shapeOf(table)
    end(shape, key, sequence)
    shape.insert.run(whole(shape, { ...key, ...row, since: sequence, until: null }))
  }
  const turn: Rows['turn'] = (table, key, change, sequence) => {
    const shape = shapeOf(table)
    const ended = end(shape, key, sequence)
    if (ended.length === 0) return
    const changes = { ...change, since: sequence, until: null }
    const [places, values] = [Object.keys(changes).map((column) => placeOf(shape, column)), stored(shape, changes)]
    for (const row of ended) {
      for (const [at, place] of places.entries()) row[place] = values[at]
      shape.insert.run(row)
    }
  }
  const now = ((table, like) => {
    const shape = shapeOf(table)
    const given = Object.keys(like)
    const select = known(shape.held, given.join(), () => `select * from "${shape.name}" where ${nowWhere(given)}`)
    return select.all(stored(shape, like)).map((row) => read(shape, row as Record<string, unknown>))
  }) as Rows['now']

  return {
    add,
    put,
    turn,
    end: close,
    now,
    all: (sql, ...values) => known(asked, sql, () => sql).all(...values) as never,
  }
}

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
    json: described.map(([, column]) => column.dataType === 'json'),
    place: new Map(columns.map((column, place) => [column, place])),
    insert: db.prepare(`insert or replace into "${name}" (${columns.map(quoted).join(', ')}) values (${places})`),
    held: new Map(),
    end: new Map(),
  }
}

const placeOf = ({ name, place }: Shape, column: string): number => {
  const found = place.get(column)
  if (found === undefined) throw new TypeError(`${name} has no column ${column}`)
  return found
}

/** A value as SQLite keeps it: JSON as text. */
const storedAs = (json: boolean | undefined, value: unknown): unknown =>
  value === undefined || value === null ? null : json ? JSON.stringify(value) : value

/** All of a row, in the order of its columns; what it does not say is null. */
const whole = ({ columns, json }: Shape, row: object): Values =>
  columns.map((column, place) => storedAs(json[place], (row as Readonly<Record<string, unknown>>)[column]))

/** What a part of a row says, in its own order. */
const stored = (shape: Shape, part: object): Values =>
  Object.entries(part).map(([column, value]) => storedAs(shape.json[placeOf(shape, column)], value))

const read = ({ columns, json }: Shape, row: Record<string, unknown>): Readonly<Record<string, unknown>> => {
  for (const [place, column] of columns.entries())
    if (json[place] && typeof row[column] === 'string') row[column] = JSON.parse(row[column])
  return row
}
