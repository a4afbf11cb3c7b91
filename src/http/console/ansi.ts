/** A piece of a line, all of it in one manner; `manner` are names of classes. */
export type Piece = { readonly text: string; readonly manner: string }

const colours = ['black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white'] as const

type Manner = {
  readonly colour?: string
  readonly weight?: 'bold' | 'dim'
  readonly isItalic?: boolean
  readonly isUnderlined?: boolean
}

/** Escape sequences of terminals: those that set a manner are kept apart, all others say nothing here. */
const sequences =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
  /\u001b(?:\[([0-9:;]*)m|\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[()][0-9A-Za-z]|[ -~])/g

/** What a line says without its escape sequences. */
export const plain = (text: string): string => (text.includes('\u001b') ? text.replaceAll(sequences, '') : text)

/** A line in pieces, as a terminal would colour them. Nothing of it is ever taken for HTML. */
export const piecesOf = (text: string): readonly Piece[] => {
  if (!text.includes('\u001b')) return [{ text, manner: '' }]
  const pieces: Piece[] = []
  let manner: Manner = {}
  let from = 0
  for (const found of text.matchAll(sequences)) {
    if (found.index > from) pieces.push({ text: text.slice(from, found.index), manner: classesOf(manner) })
    if (found[1] !== undefined) manner = turned(manner, found[1])
    from = found.index + found[0].length
  }
  if (from < text.length) pieces.push({ text: text.slice(from), manner: classesOf(manner) })
  return pieces
}

const classesOf = ({ colour, weight, isItalic, isUnderlined }: Manner): string =>
  [colour && `ansi-${colour}`, weight && `ansi-${weight}`, isItalic && 'ansi-italic', isUnderlined && 'ansi-underline']
    .filter(Boolean)
    .join(' ')

const without = (manner: Manner, ...keys: readonly (keyof Manner)[]): Manner =>
  Object.fromEntries(Object.entries(manner).filter(([key]) => !keys.includes(key as keyof Manner)))

/** How a sequence of codes changes the manner; grounds are left as they are, so that every word can be read. */
const turned = (before: Manner, said: string): Manner => {
  const codes = said.split(/[:;]/).map(Number)
  let manner = before
  for (let at = 0; at < codes.length; at++) {
    const code = codes[at] ?? 0
    if (code === 0) manner = {}
    else if (code === 1) manner = { ...manner, weight: 'bold' }
    else if (code === 2) manner = { ...manner, weight: 'dim' }
    else if (code === 3) manner = { ...manner, isItalic: true }
    else if (code === 4) manner = { ...manner, isUnderlined: true }
    else if (code === 22) manner = without(manner, 'weight')
    else if (code === 23) manner = without(manner, 'isItalic')
    else if (code === 24) manner = without(manner, 'isUnderlined')
    else if (code === 39) manner = without(manner, 'colour')
    else if ((code >= 30 && code <= 37) || (code >= 90 && code <= 97))
      manner = { ...without(manner, 'colour'), ...named(colours[code % 10]) }
    else if (code === 38 || code === 48) {
      const of = codes.slice(at + 1)
      if (code === 38) manner = { ...without(manner, 'colour'), ...named(nearest(of)) }
      at += of[0] === 5 ? 2 : 4
    }
  }
  return manner
}

const named = (colour: string | undefined): Manner => (colour ? { colour } : {})

/** The colour of eight that comes nearest to one of 256, or to one of red, green and blue. */
const nearest = ([kind, ...rest]: readonly number[]): string | undefined => {
  const [index = 0] = rest
  if (kind === 5 && index < 16) return colours[index % 8]
  if (kind === 5 && index >= 232) return index > 243 ? 'white' : 'black'
  const cube = index - 16
  const light = kind === 5 ? [Math.floor(cube / 36), Math.floor(cube / 6) % 6, cube % 6] : rest.slice(0, 3)
  const most = Math.max(...light)
  const bits = light.map((one) => one > most * 0.6 && one > 0)
  return colours[(bits[0] ? 1 : 0) + (bits[1] ? 2 : 0) + (bits[2] ? 4 : 0)]
}
