import type { BatchCallback, JetStreamManager, StoredMsg } from '@nats-io/jetstream'
import type { QueuedIterator } from '@nats-io/transport-node'
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
 * this replica is behind.
 */
export const readDirectly = (
  { direct }: JetStreamManager,
  stream: string,
  { from, subject, limit, stallAfter }: Range,
): Promise<StoredMsg[]> =>
  collect(
    (callback) => direct.getBatch(stream, { seq: from, next_by_subj: subject, batch: limit, callback }),
    `${stream} at ${subject}`,
    stallAfter,
  )

/** The last message of each subject, as they stood at one moment, however quickly they are written anew; 1,024 at most. */
export const readLasts = ({ direct }: JetStreamManager, stream: string, subject: string): Promise<StoredMsg[]> =>
  collect(
    (callback) => direct.getLastMessagesFor(stream, { multi_last: [subject], callback }),
    `${stream} at ${subject}`,
  )

/**
 * Rejects where messages do not come in time: the library would wait for ever for the end of a batch that a broken
 * connection has swallowed.
 */
const collect = (
  start: (callback: BatchCallback<StoredMsg>) => Promise<QueuedIterator<StoredMsg>>,
  what: string,
  stallAfter = 10_000,
): Promise<StoredMsg[]> =>
  new Promise((resolve, reject) => {
    const found: StoredMsg[] = []
    let stop: (reason: Error) => void = reject
    const watch = setTimeout(() => stop(faults.timeout(what, stallAfter)), stallAfter)
    const settle = (reason?: unknown) => {
      clearTimeout(watch)
      if (!reason || isNotFound(reason)) resolve(found)
      else reject(reason)
    }
    start((done, message) => {
      if (!done) found.push(message)
      else settle(done.err)
      watch.refresh()
    }).then((messages) => {
      stop = (reason) => messages.stop(reason)
    }, settle)
  })

const isNotFound = (reason: unknown): boolean => reason instanceof Error && 'code' in reason && reason.code === 404
