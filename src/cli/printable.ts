/** Text from outside, safe on a terminal: control characters are shown, not obeyed. */
export const printable = (text: string): string =>
  text.replaceAll(/\p{Cc}/gu, (c) => (c === '\t' ? c : `\\x${(c.codePointAt(0) ?? 0).toString(16).padStart(2, '0')}`))

/** The same of several lines: they stay lines. */
export const printableLines = (text: string): string => text.split('\n').map(printable).join('\n')
