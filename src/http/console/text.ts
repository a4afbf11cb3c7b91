/** Text from outside on one line, with what would hide, break or turn it shown by its code. */
export const visible = (text: string): string => text.replaceAll(/[\p{Cc}\p{Bidi_C}\p{Zl}\p{Zp}]/gu, codeOf)

/** The same for what somebody said in several lines, where there is room for one: a file's name may hold the same sign. */
export const inOneLine = (text: string): string => unbroken(visible(text.trim().replaceAll(/[^\S\n]*\n\s*/g, '\n')))

/** What a program said in several lines, as one: of words, where no name holds a line's end. */
export const inOne = (text: string): string =>
  text
    .trim()
    .split(/\s*\n\s*/)
    .map((line) => unbroken(visible(line)))
    .join(' · ')

/** No line ends between a number and its unit. */
export const unbroken = (text: string): string =>
  text.replaceAll(/(?<=\d) (?=(?:ms|s|min|h|bytes?|[KMGT]iB)\b)/g, '\u00a0')

/** The same for text of several lines. */
export const visibleLines = (text: string): string => text.replaceAll(/(?![\n\t])[\p{Cc}\p{Bidi_C}]/gu, codeOf)

const short: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }
const codeOf = (one: string): string => short[one] ?? `\\u{${one.codePointAt(0)?.toString(16)}}`

export const nameOf = (part: string): string => part.split('/')[1] ?? part

/** A value that was noted, which may be whatever JSON can hold. */
export const valueText = (value: unknown): string => visible(typeof value === 'string' ? value : JSON.stringify(value))

const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB']

export const sizeOf = (bytes: number): string => {
  const step = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10))
  return unbroken(
    step === 0
      ? `${bytes} ${bytes === 1 ? 'byte' : 'bytes'}`
      : `${Number((bytes / 1024 ** step).toFixed(1))} ${units[step]}`,
  )
}

export const durationOf = (milliseconds: number): string => unbroken(inUnits(milliseconds))

const inUnits = (milliseconds: number): string => {
  const seconds = Math.max(0, milliseconds) / 1000
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`
  if (seconds < 60) return `${seconds.toFixed(1)} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min ${Math.floor(seconds % 60)} s`
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

const formats = {
  second: new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' }),
  minute: new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' }),
}

/** A moment as people here write it, with its date; as it is where it is none, for a function may say anything. */
export const momentOf = (iso: string, to: keyof typeof formats = 'second'): string => {
  const date = new Date(iso)
  return Number.isNaN(date.getTime()) ? iso : formats[to].format(date)
}

/** What is said of a host's absence, with its moment as people here write it. */
export const withMoments = (text: string): string =>
  text.replaceAll(/(?<=\b(?:seen at|since) )\d{4}-\d\d-\d\dT[\d:.]+Z/g, (moment) => momentOf(moment))

/** A text as a shell takes it. */
export const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`

/** How long ago something was, in its largest unit. */
export const ageOf = (milliseconds: number): string => {
  const minutes = Math.floor(milliseconds / 60_000)
  if (minutes < 1) return 'just now'
  if (minutes < 60) return unbroken(`${minutes} min`)
  const hours = Math.floor(minutes / 60)
  if (hours < 48) return unbroken(`${hours} h`)
  return `${Math.floor(hours / 24)}\u00a0days`
}
