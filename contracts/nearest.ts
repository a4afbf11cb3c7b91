/** A hint at the name that was probably meant. */
export const nearest = (word: string, known: readonly string[]): string => {
  const one = word.replace(/ies$/, 'y') // Many of what is called so.
  const beginsLike = (candidate: string): number => Number(candidate[0] === word[0])
  const [best] = known
    .map((candidate) => ({ candidate, distance: Math.min(distanceOf(word, candidate), distanceOf(one, candidate)) }))
    .filter(({ candidate, distance }) => distance <= Math.max(2, candidate.length / 3))
    .sort((a, b) => a.distance - b.distance || beginsLike(b.candidate) - beginsLike(a.candidate))
  return best ? `; did you mean '${best.candidate}'?` : `; known are ${known.join(', ')}`
}

/** How long a word may be, and how many it is compared with: beyond that, looking would take long. */
const most = { letters: 64, known: 100 }

/** The same for a word of any length, among any number; nothing where looking would take long, or none is known. */
export const hint = (word: string, known: readonly string[]): string =>
  known.length === 0 || word.length > most.letters || known.length > most.known ? '' : nearest(word, known)

/** How many letters must be put in, taken out, replaced or swapped with their neighbour: Damerau's distance. */
const distanceOf = (a: string, b: string): number => {
  let above: number[] = []
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      next.push(
        Math.min(
          (row[j] ?? 0) + 1,
          (next[j - 1] ?? 0) + 1,
          (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1),
          isSwap ? (above[j - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY,
        ),
      )
    }
    ;[above, row] = [row, next]
  }
  return row.at(-1) ?? 0
}

/** A hint at the node or store that was probably meant: by its name alone, where the word is one. */
export const nearestPart = (word: string, parts: readonly string[]): string => {
  if (word.includes('/') || parts.length === 0) return nearest(word, parts)
  const hint = nearest(word, [...new Set(parts.map((part) => part.slice(part.indexOf('/') + 1)))])
  return hint.startsWith('; did') ? hint : nearest(word, parts)
}
