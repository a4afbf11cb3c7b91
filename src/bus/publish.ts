import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { JetStreamApiError } from '@nats-io/jetstream'
import { headers, type MsgHdrs } from '@nats-io/transport-node'
import { answeredWithin, type Connection, reliably, whileUp } from './connection.ts'
import { faults } from './fault.ts'

/** One message for a stream. */
export type Outgoing = { readonly subject: string; readonly headers: MsgHdrs; readonly body: string | Uint8Array }

/** What the server said: where the last message lies, or which of its error codes. */
export type Stored =
  | { readonly stored: true; readonly sequence: number; readonly duplicate: boolean }
  | { readonly stored: false; readonly code: number; readonly description: string }

/** The server's error codes that a writer must tell apart. */
export const serverCode = {
  consumerNameInUse: 10013,
  streamNotFound: 10059,
  wrongLastSequence: 10071,
  notStored: 10077,
  consumerExists: 10148,
  batchIncomplete: 10176,
  batchDuplicate: 10201,
  batchesOpen: 10210,
} as const

/** An atomic batch holds no more messages than this: the server's limit. */
export const batchLimit = 1000

/** How long a batch waits for others to end: the server gives up those that were left open after ten seconds. */
const crowdedFor = 30_000

/** Publishes one message and waits until it is stored. Where it rejects, it may be stored or not. */
export const publish = (
  connection: Connection,
  { subject, body, headers }: Outgoing,
  within = answeredWithin,
): Promise<Stored> => {
  const request = async () => readAck((await connection.nc.request(subject, body, { headers, timeout: within })).json())
  return whileUp(connection, `publish ${subject}`, request, within)
}

/**
 * Publishes up to {@link batchLimit} messages that are stored all or none: ADR-50 of NATS. The whole batch is sent in one
 * go; only the last message asks for an answer. A batch that began while too many were open is lost as a whole and
 * answered as incomplete, so it is sent again after a while.
 */
export const publishBatch = async (connection: Connection, messages: readonly Outgoing[]): Promise<Stored> => {
  const [only] = messages
  if (only && messages.length === 1) return publish(connection, only)
  const patience = performance.now() + crowdedFor
  for (let attempt = 0; ; attempt++) {
    const stored = await publishBatchOnce(connection, messages)
    const crowded =
      !stored.stored && (stored.code === serverCode.batchIncomplete || stored.code === serverCode.batchesOpen)
    if (!crowded || performance.now() > patience) return stored
    await delay(Math.random() * 10 * 2 ** Math.min(attempt, 6))
  }
}

const publishBatchOnce = async (connection: Connection, messages: readonly Outgoing[]): Promise<Stored> => {
  const batch = randomUUID()
  const numbered = messages.map(({ headers: own, ...message }, index) => {
    const h = headers()
    for (const [key, values] of own) for (const value of values) h.append(key, value)
    h.set('Nats-Batch-Id', batch)
    h.set('Nats-Batch-Sequence', String(index + 1))
    return { ...message, headers: h }
  })
  const last = numbered.pop()
  if (!last) throw new RangeError('A batch holds at least one message')
  for (const message of numbered) connection.nc.publish(message.subject, message.body, { headers: message.headers })
  last.headers.set('Nats-Batch-Commit', '1')
  return publish(connection, last)
}

const readAck = (ack: {
  readonly seq?: number
  readonly duplicate?: boolean
  readonly error?: { readonly err_code?: number; readonly code: number; readonly description?: string }
}): Stored =>
  ack.error
    ? { stored: false, code: ack.error.err_code ?? ack.error.code, description: ack.error.description ?? '' }
    : { stored: true, sequence: ack.seq ?? 0, duplicate: ack.duplicate ?? false }

/** Stores something that may be stored twice, however long the bus is away; only closing the connection ends that. */
export const store = (connection: Connection, message: Outgoing): Promise<Stored> =>
  reliably(connection, `publish ${message.subject}`, () => publish(connection, message), Number.POSITIVE_INFINITY)

/** The fault that an answer is which a writer has no way to go on from. */
export const asFault = (what: string, stored: Extract<Stored, { stored: false }>) =>
  faults.refusedByServer(what, stored.code, stored.description)

/** Whether an administrative request was answered with this of the server's error codes. */
export const answeredWith = (cause: unknown, code: number): boolean =>
  cause instanceof JetStreamApiError && cause.code === code
