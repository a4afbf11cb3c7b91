import type { CopyOptions } from '../machines/machine.ts'

/** How often the progress of a copy is said, in milliseconds. */
const saidEvery = 2_000

/** Says how far a copy is, now and then, and that it is done. */
export const sparsely = (say: (line: string) => void): NonNullable<CopyOptions['progress']> => {
  let last = performance.now()
  return (bytes, percent) => {
    const now = performance.now()
    if (now - last < saidEvery && percent < 100) return
    last = now
    say(`${bytes} bytes, ${percent} %`)
  }
}
