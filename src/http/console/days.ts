/** How long a day is, in milliseconds, and how many of them a calendar shows. */
export const day = 86_400_000
export const shownDays = 14

/** The beginning of a day, so many days after one, as it is here: days that the clock is turned are shorter or longer. */
export const dayAfter = (from: number, days: number): number => {
  const date = new Date(from)
  return new Date(date.getFullYear(), date.getMonth(), date.getDate() + days).getTime()
}

/** Where a span lies in a calendar, in percent; undefined where it lies outside. */
export const placeIn = (
  from: number,
  until: number,
  span: { readonly startsAt: string; readonly endsAt: string },
): { readonly left: number; readonly width: number } | undefined => {
  const [begins, ends] = [Math.max(from, Date.parse(span.startsAt)), Math.min(until, Date.parse(span.endsAt))]
  if (begins >= ends) return undefined
  return { left: ((begins - from) / (until - from)) * 100, width: ((ends - begins) / (until - from)) * 100 }
}

/** A moment as an input has it, in the time of whoever looks. */
export const inputOf = (at: number): string => {
  const date = new Date(at - new Date(at).getTimezoneOffset() * 60_000)
  return date.toISOString().slice(0, 16)
}
