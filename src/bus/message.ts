import type { JsMsg, StoredMsg } from '@nats-io/jetstream'
import { headers, type MsgHdrs } from '@nats-io/transport-node'
import { dataschemaOf, header, type Numbered, type Recorded, versionOf } from '#contracts/envelope'
import { addressOf, historyOf } from '#contracts/subjects'

/** An event as the headers and the body of a message: CloudEvents 1.0, NATS binary mode. */
export const encode = (subject: string, event: Numbered): { readonly headers: MsgHdrs; readonly body: string } => {
  const h = headers()
  h.set('Nats-Msg-Id', event.id)
  h.set(header.id, event.id)
  h.set(header.type, event.type)
  h.set(header.source, event.source)
  h.set(header.time, event.time)
  h.set(header.subject, subject)
  h.set(header.specversion, '1.0')
  h.set(header.dataschema, dataschemaOf(event.type, event.version))
  h.set(header.correlation, event.correlationId)
  h.set(header.causation, event.causationId)
  h.set(header.principal, event.principal)
  if (event.traceparent) h.set(header.trace, event.traceparent)
  return { headers: h, body: JSON.stringify(event.data) }
}

/** A message as a reader finds it, whichever way it was read. */
export type Found = {
  readonly subject: string
  readonly headers: MsgHdrs | undefined
  readonly data: Uint8Array
  readonly sequence: number
  readonly storedAt: number
}

const decoder = new TextDecoder()

/** The event a message carries; undefined where it is no event of this log: dropped, and counted, by every reader. */
export const decode = (
  logId: string,
  { subject, headers: h, data, sequence, storedAt }: Found,
): Recorded | undefined => {
  const address = addressOf(subject)
  if (!address || !h) return undefined
  const all = new Map(h) // Each `get` of the headers themselves goes through all of them.
  const said = (name: string): string => all.get(name)?.[0] ?? ''
  if (said(header.subject) !== subject || said(header.specversion) !== '1.0') return undefined
  if (isAnswer(all, subject, sequence)) return undefined
  const id = said(header.id)
  const type = said(header.type)
  const version = versionOf(said(header.dataschema))
  if (!id || !type || !version) return undefined
  const parsed = parse(data)
  if (parsed === undefined) return undefined
  const traceparent = said(header.trace)
  return {
    id,
    type,
    version,
    source: said(header.source),
    time: said(header.time),
    correlationId: said(header.correlation) || id,
    causationId: said(header.causation) || id,
    principal: said(header.principal),
    ...(traceparent && { traceparent }),
    data: parsed,
    address,
    sequence,
    position: `${logId}.${sequence}`,
    storedAt,
  }
}

/**
 * Whether the server itself had put a message on its subject before it was stored. A reader who names an `events.` subject as
 * its reply address has the server put what it reads there, envelope and all, and so does whoever has a stream republish; but
 * the server says out of which stream, and where it lay, and only in a direct read of the log that is the place where the
 * message lies. Whoever has a stream can choose its subjects and sequences, but not its name.
 */
const isAnswer = (headers: ReadonlyMap<string, readonly string[]>, subject: string, sequence: number): boolean =>
  headers.get('Nats-Stream')?.some((read) => read !== 'EVENTS') === true ||
  headers.get('Nats-Subject')?.some((read) => read !== subject) === true ||
  headers.get('Nats-Sequence')?.some((read) => Number(read) !== sequence) === true

const parse = (data: Uint8Array): unknown => {
  try {
    return JSON.parse(decoder.decode(data))
  } catch {
    return undefined
  }
}

/** A message read from a stream by its sequence or its subject. */
export const foundIn = (message: StoredMsg): Found => ({
  subject: message.subject,
  headers: message.header,
  data: message.data,
  sequence: message.seq,
  storedAt: message.time.getTime(),
})

/** A message that a consumer delivered. */
export const foundBy = (message: JsMsg): Found => ({
  subject: message.subject,
  headers: message.headers,
  data: message.data,
  sequence: message.seq,
  storedAt: Number(message.timestampNanos / 1_000_000n), // Exact: a double would now and then be a millisecond off.
})

/** Where an event lies in the log: said by a message that carries it through another stream. */
const origin = { sequence: 'Millrace-Origin-Sequence', storedAt: 'Millrace-Origin-Stored' } as const

/** An event as a message of another stream: work, timers. */
export const encodeCarried = (event: Recorded): ReturnType<typeof encode> => {
  const message = encode(historyOf(event.address), event)
  message.headers.set(origin.sequence, String(event.sequence))
  message.headers.set(origin.storedAt, String(event.storedAt))
  return message
}

/**
 * The event that a message of another stream carries; undefined where it carries none, and where the server itself had put it
 * there: a consumer delivers what whoever dispatches has put, without a mark.
 */
export const decodeCarried = (logId: string, message: JsMsg): Recorded | undefined => {
  if (message.headers?.has('Nats-Stream')) return undefined
  const sequence = Number(message.headers?.get(origin.sequence) || Number.NaN)
  const storedAt = Number(message.headers?.get(origin.storedAt) || Number.NaN)
  if (!Number.isInteger(sequence) || !Number.isInteger(storedAt)) return undefined
  const subject = message.headers?.get(header.subject) ?? ''
  return decode(logId, { subject, headers: message.headers, data: message.data, sequence, storedAt })
}
