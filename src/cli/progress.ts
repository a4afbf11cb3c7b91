import type { Progress } from '#client/transfer'

/** Says on a terminal how far bytes are, once that has taken a second. */
export const progress = (what: string): Progress => {
  const began = performance.now()
  let told = 0
  return (passed, size) => {
    const now = performance.now()
    if (process.stderr.isTTY && now - began > 1_000 && now - told > 200) {
      told = now
      const rate = passed / 2 ** 20 / ((now - began) / 1_000)
      process.stderr.write(`\r${what}: ${Math.floor((100 * passed) / Math.max(1, size))} %, ${rate.toFixed(0)} MiB/s `)
    }
    if (told > 0 && passed === size) process.stderr.write('\n')
  }
}
