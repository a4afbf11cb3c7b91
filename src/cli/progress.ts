import { Transform } from 'node:stream'

/** Passes bytes on, and says on a terminal how far they are once that has taken a second. */
export const progress = (what: string, size: number): Transform => {
  const began = performance.now()
  let passed = 0
  let told = 0
  return new Transform({
    transform(chunk: Uint8Array, _, done) {
      passed += chunk.length
      const now = performance.now()
      if (process.stderr.isTTY && now - began > 1_000 && now - told > 200) {
        told = now
        const rate = passed / 2 ** 20 / ((now - began) / 1_000)
        process.stderr.write(
          `\r${what}: ${Math.floor((100 * passed) / Math.max(1, size))} %, ${rate.toFixed(0)} MiB/s `,
        )
      }
      done(null, chunk)
    },
    flush(done) {
      if (told > 0) process.stderr.write('\n')
      done()
    },
  })
}
