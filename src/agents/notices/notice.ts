import { Fault } from '#bus/fault'

/** What is sent to one person, one way. */
export type Notice = {
  /** The same for the same event, person and way, however often it is sent. */
  readonly id: string
  /** The event that it tells of, when that was stored (milliseconds since 1970), and its experiment. */
  readonly about: string
  readonly at: number
  readonly experiment: string
  readonly project: string
  readonly to: string
  readonly occasion: string
  readonly subject: string
  readonly text: string
}

/** Sends a notice to an address. Rejects with `notice.refused` where that is for good; all else is tried again. */
export type SendNotice = (notice: Notice, address: string, signal: AbortSignal) => Promise<void>

/** What can go wrong with that. No sentence holds an address: it may be known to that person alone. */
export const noticeFaults = {
  refused: (where: string, said: string, cause?: unknown) =>
    new Fault('notice.refused', `${where} refused it: ${said}. Correct the preferences, or ask whoever runs it`, {
      cause,
    }),
  unavailable: (where: string, said: string, cause?: unknown) =>
    new Fault('notice.unavailable', `${where} did not take it: ${said}. It is tried again`, { cause }),
}
