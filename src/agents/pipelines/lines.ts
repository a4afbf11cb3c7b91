/** What is longer than this, in characters, is handed on in pieces: a line without an end must not fill the memory. */
const longest = 16_384

/** Puts output together by line, however it was cut on its way. `end` hands on what had no newline behind it. */
export const byLine = (say: (line: string) => void) => {
  let rest = ''
  const tell = (line: string): void => {
    if (line.trim()) say(line)
  }
  return {
    add: (text: string): void => {
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) tell(line)
      for (; rest.length > longest; rest = rest.slice(longest)) tell(rest.slice(0, longest))
    },
    end: (): void => {
      tell(rest)
      rest = ''
    },
  }
}
