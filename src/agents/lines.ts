/** What is longer than this, in characters, is handed on in pieces: a line without an end must not fill the memory. */
const usual = 16_384

/** How often at most a line that is written over and over is handed on, in milliseconds. */
const rewrittenEvery = 1_000

/**
 * Puts output together by line, however it was cut on its way. Of a line that rewrites itself, as a progress bar does, what it
 * came to counts, and what it says meanwhile now and then. `end` hands on what had no newline behind it.
 */
export const byLine = (say: (line: string) => void, longest = usual) => {
  let rest = ''
  let saidAt = Number.NEGATIVE_INFINITY
  const tell = (line: string): void => {
    const last = lastWritten(line)
    if (last.trim()) say(last)
  }
  /** Drops what has been written over. */
  const rewrite = (): void => {
    const at = rest.lastIndexOf('\r')
    // What has nothing behind it may be the end of a line that ends with both.
    if (at <= 0 || at === rest.length - 1) return
    const before = rest.slice(0, at)
    rest = rest.slice(at + 1)
    const now = performance.now()
    if (now - saidAt < rewrittenEvery) return
    saidAt = now
    tell(before)
  }
  return {
    add: (text: string): void => {
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) tell(line)
      rewrite()
      for (; rest.length > longest; rest = rest.slice(longest)) tell(rest.slice(0, longest))
    },
    end: (): void => {
      tell(rest)
      rest = ''
    },
  }
}

/** What a terminal would show of a line: what was written last over what was there before. */
const lastWritten = (line: string): string => {
  const written = line.replace(/\r+$/, '')
  return written.slice(written.lastIndexOf('\r') + 1)
}
