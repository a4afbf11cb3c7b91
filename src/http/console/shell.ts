import { quoted } from './text.ts'

/** What a shell needs no quotes for. */
const bare = /^[\w@%+=:,./-]+$/

const word = (text: string): string => (bare.test(text) ? text : quoted(text))

/** A command line of `millrace`: words, and what is said behind them; what is undefined or empty is left out. */
export const shellOf = (
  words: readonly string[],
  options: Readonly<Record<string, string | readonly string[] | true | undefined>> = {},
): string => {
  const said = Object.entries(options).flatMap(([name, value]) => {
    if (value === undefined || (value !== true && value.length === 0)) return []
    if (value === true) return [`--${name}`]
    return [`--${name}`, ...(typeof value === 'string' ? [value] : value).map(word)]
  })
  return ['millrace', ...words.map(word), ...said].join(' ')
}
