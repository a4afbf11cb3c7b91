import { errors, headers, type Msg, RequestError } from '@nats-io/transport-node'
import { header, isTraceparent } from '#contracts/envelope'
import { askedBy } from '#contracts/subjects'
import type { Bus } from './bus.ts'
import { type Connection, clearly, whileUp } from './connection.ts'
import { Fault, faults, reasonOf } from './fault.ts'
import { isGenuine, mayBeTold, tellingForged } from './genuine.ts'
import { inboxOf } from './rights.ts'

/** Who may name somebody else as the one who asks: the HTTP server alone. */
export const speaksForOthers = (principal: string): boolean => principal.startsWith('web-')

/**
 * Questions and answers between those who are there now. A request is taken only from whom its subject names; `tell` is told of
 * others.
 */
export const openRequests = (
  connection: Connection,
  tell: (sentence: string) => void = () => undefined,
): Pick<Bus, 'request' | 'serve'> => {
  const { nc } = connection
  const forged = tellingForged(tell)

  const request: Bus['request'] = async (subject, body, { timeout = 10_000, onBehalfOf, traceparent } = {}) => {
    const h = headers()
    if (onBehalfOf) h.set(header.principal, onBehalfOf)
    if (traceparent) h.set(header.trace, traceparent)
    const ask = () => nc.request(subject, JSON.stringify(body ?? null), { timeout, headers: h })
    const reply = await whileUp(connection, `ask ${subject}`, ask, timeout).catch((cause: unknown) => {
      throw cause instanceof RequestError && cause.isNoResponders() ? faults.noOwner(subject) : cause
    })
    const answer = reply.json<{ readonly fault?: { readonly code: string; readonly message: string } } | null>()
    if (answer?.fault) throw new Fault(answer.fault.code, answer.fault.message)
    return answer
  }

  const serve: Bus['serve'] = async (subject, answer, signal) => {
    if (signal.aborted) return
    const subscription = nc.subscribe(subject, { queue: 'owners' })
    signal.addEventListener('abort', () => void subscription.drain().catch(() => undefined), { once: true })
    const answerOf = async (message: Msg): Promise<string> => {
      try {
        const { principal } = askedBy(message.subject)
        if (!isGenuine(principal, message.reply)) throw astray(message.subject, principal)
        const behalf = speaksForOthers(principal) ? message.headers?.get(header.principal) : undefined
        const trace = message.headers?.get(header.trace)
        const asked = {
          subject: message.subject,
          principal,
          onBehalfOf: behalf || undefined,
          traceparent: isTraceparent(trace) ? trace : undefined,
          body: parse(message),
        }
        return JSON.stringify((await answer(asked)) ?? null)
      } catch (cause) {
        const code = cause instanceof Fault ? cause.code : 'bus.broken'
        return JSON.stringify({ fault: { code, message: reasonOf(cause) } })
      }
    }
    const underWay = new Set<Promise<void>>()
    await clearly(`answer ${subject}`, async () => {
      for await (const message of subscription) {
        const isForged = !isGenuine(askedBy(message.subject).principal, message.reply)
        if (isForged) forged(message.subject)
        if (isForged && !mayBeTold(message.reply)) continue
        const responding = answerOf(message)
          .then((body) => respond(message, body))
          .finally(() => underWay.delete(responding))
        underWay.add(responding)
      }
    })
    await Promise.allSettled(underWay)
  }

  return { request, serve }
}

const astray = (subject: string, principal: string): Fault =>
  faults.brokenContract(subject, `expected its answer to be awaited below ${inboxOf(principal)}, the inbox of who asks`)

/** Sends an answer, or that it is too long to be sent. Where the connection is closed by now, nobody waits for it. */
const respond = (message: Msg, body: string): void => {
  try {
    message.respond(body)
  } catch (cause) {
    if (cause instanceof errors.InvalidArgumentError)
      message.respond(JSON.stringify({ fault: { code: 'bus.broken', message: reasonOf(cause) } }))
  }
}

const parse = (message: Msg): unknown => {
  try {
    return message.json()
  } catch {
    throw faults.brokenContract(message.subject, 'the body is not JSON')
  }
}
