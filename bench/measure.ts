/** The middle of some figures. */
export const median = (figures: readonly number[]): number => percentile(figures, 0.5)

/** The figure that this share of all figures does not exceed. */
export const percentile = (figures: readonly number[], share: number): number => {
  const sorted = figures.toSorted((a, b) => a - b)
  const at = (sorted.length - 1) * share
  const [low, high] = [sorted[Math.floor(at)] ?? Number.NaN, sorted[Math.ceil(at)] ?? Number.NaN]
  return low + (high - low) * (at - Math.floor(at))
}

/** Does something and says how many seconds it took. */
export const secondsOf = async (act: () => unknown): Promise<number> => {
  const began = performance.now()
  await act()
  return (performance.now() - began) / 1000
}

/**
 * Measures ours and its twin in turn, A B A B, and compares each pair: what disturbs the machine meanwhile disturbs both.
 * The first pair only warms up. Each measurement is told its round, from 0.
 */
export const inTurn = async (
  rounds: number,
  ours: (round: number) => Promise<number>,
  twin: (round: number) => Promise<number>,
): Promise<{ readonly figure: number; readonly twin: number; readonly ratio: number }> => {
  const pairs: [number, number][] = []
  for (let round = 0; round <= rounds; round++) {
    const pair: [number, number] = [await ours(round), await twin(round)]
    if (round > 0) pairs.push(pair)
  }
  return {
    figure: median(pairs.map(([figure]) => figure)),
    twin: median(pairs.map(([, figure]) => figure)),
    ratio: median(pairs.map(([a, b]) => a / b)),
  }
}

/** Waits until a claim holds, looking every few milliseconds; fails after two minutes. */
export const until = async <T>(look: () => Promise<T | undefined | false> | T | undefined | false): Promise<T> => {
  for (const deadline = performance.now() + 120_000; performance.now() < deadline; ) {
    const found = await look()
    if (found) return found
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  throw new Error('What was waited for did not come within two minutes')
}
