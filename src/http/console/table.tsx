import type { ReactNode } from 'react'

export type Column<Row> = {
  readonly label: string
  readonly of: (row: Row) => ReactNode
  /** Whether its cells stay on one line. */
  readonly short?: boolean
  /** Whether its words may be of any length, so that they are broken where they must. */
  readonly long?: boolean
}
type Props<Row> = {
  readonly columns: readonly [Column<Row>, ...Column<Row>[]]
  readonly rows: readonly Row[]
  readonly keyOf: (row: Row) => string
}

/**
 * Rows under headings; the first column names its row, and one without anything in it is left out. On a narrow screen each
 * row is a list of its own.
 */
export const Table = <Row,>({ columns, rows, keyOf }: Props<Row>) => {
  const [first, ...more] = columns
  const others = more.filter(({ of }) => rows.some((row) => !isNothing(of(row))))
  return (
    <div className="table-box">
      <table className="stacking">
        <thead>
          <tr>
            {[first, ...others].map(({ label }) => (
              <th scope="col" key={label}>
                {label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={keyOf(row)}>
              <th scope="row" className={classOf(first)}>
                {first.of(row)}
              </th>
              {others.map(({ label, of, ...how }) => {
                const value = of(row)
                return (
                  <td key={label} data-label={label} className={classOf(how)}>
                    {!isNothing(value) && <div>{value}</div>}
                  </td>
                )
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

const classOf = ({ short, long }: { readonly short?: boolean; readonly long?: boolean }): string | undefined =>
  short ? 'short' : long ? 'long' : undefined

const isNothing = (value: ReactNode): boolean =>
  value === null || value === undefined || value === false || value === ''
