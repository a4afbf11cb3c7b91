import { accept, type Decision, refuse } from '#bus/decider'
import type { Deed } from '#contracts/experiment-deeds'

/** Who asks, and when, in milliseconds since 1970. */
type Asker = { readonly principal: string; readonly at: number }

/** A sentence that also says who has done what it tells, where somebody has. */
export const withWho = (sentence: string, done: Deed | undefined, { at }: Pick<Asker, 'at'>): string =>
  done ? `${sentence}: ${done.who} has done so ${when(done.at, at)}` : sentence

/** The answer where what is asked for holds already: whoever did it may ask twice, anybody else is told who did, and when. */
export const doneAlready = (
  asker: Asker,
  done: Deed | undefined,
  refusal: string,
  sentence: string,
): Decision<never> =>
  done === undefined || done.who === asker.principal ? accept() : refuse(refusal, withWho(sentence, done, asker))

/** A moment in words, with its day where that is not the present one. */
export const when = (moment: number, now: number): string => {
  const [day = '', time = ''] = new Date(moment).toISOString().split('T')
  const isToday = new Date(now).toISOString().startsWith(day)
  return `${isToday ? '' : `on ${day} `}at ${time.slice(0, 5)} UTC`
}

/** The last of several deeds; of those that one event tells of, the last one named. */
export const lastOf = (deeds: readonly (Deed | undefined)[]): Deed | undefined =>
  deeds
    .flatMap((one) => one ?? [])
    .toSorted((one, other) => one.order - other.order)
    .at(-1)
