type Pace = {
  /** How long it has been otherwise before it is told: what arrives at once is heard of one by one. In milliseconds. */
  readonly after: number
  /** How often it is told at most, in milliseconds. */
  readonly every: number
}

/** When something that may change at any moment is told. */
export const openPace = ({ after, every }: Pace) => {
  let toldAt = Number.NEGATIVE_INFINITY
  let otherSince: number | undefined
  return {
    /** It is as it was told. */
    same: (): void => {
      otherSince = undefined
    },
    /** It is otherwise: how long until it may be told, in milliseconds; none where it is told now. */
    other: (): number => {
      const now = performance.now()
      otherSince ??= now
      const left = Math.max(otherSince + after, toldAt + every) - now
      if (left > 0) return left
      toldAt = now
      otherSince = undefined
      return 0
    },
  }
}
