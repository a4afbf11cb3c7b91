import { inboxOf } from './rights.ts'

/**
 * Whether a request comes from whom its subject names: its answer is awaited where only that principal may listen. What the
 * server itself puts on a subject, because somebody named that for what is read out of a stream or republished, it puts there
 * with nobody's permissions; but such a message awaits no answer, or an acknowledgement.
 */
export const isGenuine = (principal: string, reply: string | undefined): boolean =>
  reply?.startsWith(`${inboxOf(principal)}.`) === true

/**
 * Whether a request that is not genuine may be told so: it is awaited where clients await answers that were not told where to,
 * and where nobody else's answers arrive. Anywhere else the answer itself would be what somebody forges.
 */
export const mayBeTold = (reply: string | undefined): reply is string => reply?.startsWith('_INBOX.') === true

/** Tells of what was forged: the first time, the tenth, the hundredth, so that nobody fills a log by it. */
export const tellingForged = (tell: (sentence: string) => void) => {
  let count = 0
  return (subject: string): void => {
    count++
    if (Number.isInteger(Math.log10(count)))
      tell(`Passed over a request on ${subject} that did not come from whom it names; ${count} so far`)
  }
}
