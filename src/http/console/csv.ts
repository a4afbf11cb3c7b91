/** The first rows of a table as RFC 4180 has them: a cell in quotes may hold separators, quotes and new lines. */
export const parseCsv = (text: string, separator: string, most: number): readonly (readonly string[])[] => {
  const rows: string[][] = []
  let row: string[] = []
  let cell = ''
  let isQuoted = false
  const endCell = (): void => {
    row.push(cell)
    cell = ''
  }
  const endRow = (): void => {
    endCell()
    if (row.length > 1 || row[0] !== '') rows.push(row)
    row = []
  }
  for (let index = 0; index < text.length && rows.length < most; index++) {
    const one = text[index]
    if (isQuoted) {
      if (one !== '"') cell += one
      else if (text[index + 1] === '"') cell += text[++index]
      else isQuoted = false
    } else if (one === '"' && cell === '') isQuoted = true
    else if (one === separator) endCell()
    else if (one === '\n') endRow()
    else if (one !== '\r') cell += one
  }
  if (rows.length < most) endRow()
  return rows
}
