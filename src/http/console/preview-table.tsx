import { parseCsv } from './csv.ts'
import { visible } from './text.ts'

type Props = { readonly text: string; readonly separator: string }

/** How many rows are shown, beside the first. */
const most = 100

/** The first rows of a table. */
export const PreviewTable = ({ text, separator }: Props) => {
  const [head = [], ...rows] = parseCsv(text, separator, most + 2)
  const shown = rows.slice(0, most)
  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard. */}
      <div className="table-box cells" tabIndex={0}>
        <table>
          <thead>
            <tr>
              {head.map((cell, column) => (
                <th scope="col" key={`${column} ${cell}`}>
                  {visible(cell)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {shown.map((row, line) => (
              <tr key={`${line} ${row[0]}`}>
                {row.map((cell, column) => (
                  <td key={`${column} ${cell}`}>{visible(cell)}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {rows.length > most && <p className="quiet">The first {most} rows.</p>}
    </>
  )
}
