import type { JetStreamManager, StoredMsg } from '@nats-io/jetstream'
import { faults } from './fault.ts'

export type Range = {
  /** The first sequence. */
  readonly from: number
  /** The subject, which may hold wildcards. */
  readonly subject: string
  /** How many at most; the server may send fewer. */
  readonly limit: number
  readonly stallAfter?: number
}

/**
 * Messages of a stream, read without a consumer that would have to be deleted. None: there are none from there on, or
 * this replica is behind. Rejects where they do not come in time: the library would wait for ever for the end of a batch
 * that a broken connection has swallowed.
 */
export const readDirectly = (
  jsm: JetStreamManager,
  stream: string,
  { from, subject, limit, stallAfter = 10_000 }: Range,
): Promise<StoredMsg[]> =>
  new Promise((resolve, reject) => {
    const found: StoredMsg[] = []
    let stop: (reason: Error) => void = reject
    const watch = setTimeout(() => stop(faults.timeout(`${stream} at ${subject}`, stallAfter)), stallAfter)
    const settle = (reason?: unknown) => {
      clearTimeout(watch)
      if (!reason || isNotFound(reason)) resolve(found)
      else reject(reason)
    }
    jsm.direct
      .getBatch(stream, {
        seq: from,
        next_by_subj: subject,
        batch: limit,
        callback: (done, message) => {
          if (!done) found.push(message)
          else settle(done.err)
          watch.refresh()
        },
      })
      .then((messages) => {
        stop = (reason) => messages.stop(reason)
      }, settle)
  })

const isNotFound = (reason: unknown): boolean => reason instanceof Error && 'code' in reason && reason.code === 404
