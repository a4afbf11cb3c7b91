import { randomUUID } from 'node:crypto'
import { type Consumer, type JsMsg, jetstream } from '@nats-io/jetstream'
import { headers, RequestError } from '@nats-io/transport-node'
import { logOf, logsOf } from '#contracts/subjects'
import type { Bus, Printed } from './bus.ts'
import { type Connection, clearly, reliably } from './connection.ts'
import { faults } from './fault.ts'
import { bodiesOf, largestBody, linesIn, outputBatch } from './lines.ts'
import { asFault, publish } from './publish.ts'
import { pull } from './pull.ts'

const stream = 'LOGS'

/** Which execution printed it. The lines are the body. */
const header = { attempt: 'Millrace-Attempt', delivery: 'Millrace-Delivery', step: 'Millrace-Step' } as const

/** For how long the server keeps a reader's consumer that asks for nothing: one left behind slows the others down. */
const forgottenAfter = 60_000

/** What a message's headers take, at most. */
const overhead = 1024

/** What work has printed: the LOGS stream, which forgets the oldest. */
export const openOutput = (connection: Connection): Pick<Bus, 'print' | 'printed'> => {
  const { nc, jsm } = connection

  const print: Bus['print'] = async ({ scope, key, part, attempt, delivery, step }, lines) => {
    const subject = logOf(scope, key, part)
    const id = randomUUID()
    let number = 0
    for (const body of bodiesOf(lines, Math.min(largestBody, (nc.info?.max_payload ?? largestBody) - overhead))) {
      const h = headers()
      h.set('Nats-Msg-Id', `${id}-${number++}`) // Sent again after a doubt, it is stored once.
      h.set(header.attempt, String(attempt))
      h.set(header.delivery, String(delivery))
      if (step !== undefined) h.set(header.step, step)
      const send = () => publish(connection, { subject, headers: h, body })
      const stored = await reliably(connection, `print to ${subject}`, send).catch((cause: unknown) => {
        const isLost = cause instanceof RequestError && cause.isNoResponders()
        throw isLost ? faults.refusedByServer('output', 503, `no stream keeps ${subject}`) : cause
      })
      if (!stored.stored) throw asFault('output', stored)
    }
  }

  /** Refuses to go on from a place that is beyond the end: a reader of a stream that was made anew would fall silent. */
  const verify = async (place: number): Promise<void> => {
    const { state } = await jsm.streams.info(stream)
    if (state.last_seq < place) throw faults.shorterOutput(place, state.last_seq)
  }

  const printed: Bus['printed'] = async (of, handle, { after = 0, live, signal }) => {
    const filter = logsOf(of)
    const what = `read ${filter}`
    const lastPlace = async () => (await jsm.streams.getMessage(stream, { last_by_subj: filter }))?.seq ?? 0
    const end = live ? Number.POSITIVE_INFINITY : await reliably(connection, what, () => verify(after).then(lastPlace))
    if (after >= end) return
    let place = after
    let inVain = false
    const done = new AbortController()
    const ending = AbortSignal.any([signal, done.signal])

    const open = () =>
      clearly(what, async () => {
        await verify(place)
        return jetstream(nc).consumers.get(stream, {
          opt_start_seq: place + 1,
          filter_subjects: filter,
          inactive_threshold: forgottenAfter,
        })
      })

    /** What was there at the call may have expired before it came: then nothing would come, and nothing end. */
    const room = async (): Promise<number> => {
      if (!live && inVain && (await lastPlace()) <= place) done.abort()
      inVain = true
      return outputBatch
    }

    const handOn = async (messages: readonly JsMsg[]) => {
      inVain = false
      if (ending.aborted) return []
      const found = messages.flatMap((message) => (message.seq <= end ? (printedIn(message) ?? []) : []))
      if (found.length > 0) await handle(found)
      place = messages.at(-1)?.seq ?? place
      if (place >= end) done.abort()
      return []
    }

    const close = (consumer: Consumer) => consumer.delete()
    const expires = live ? 30_000 : 2_000
    await pull(connection, { open, room, handle: handOn, close, expires }, ending)
    if (!live && !ending.aborted) throw faults.closed(what)
  }

  return { print, printed }
}

/**
 * The output that a message carries; undefined where it carries none. What the server read out of a stream onto a subject
 * of output, at the wish of whoever named that as the place for its answer, is none: nobody else's lines can be forged so.
 */
const printedIn = (message: JsMsg): Printed | undefined => {
  const { subject, seq, headers: h } = message
  if (!h || h.has('Nats-Subject')) return undefined
  const numberIn = (name: string): number => Number(h.get(name) || Number.NaN)
  const [attempt, delivery] = [numberIn(header.attempt), numberIn(header.delivery)]
  return linesIn({
    subject,
    place: seq,
    attempt,
    delivery,
    step: h.get(header.step) || undefined,
    body: message.string(),
  })
}
