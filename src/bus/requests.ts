import { errors, headers, type Msg, type NatsConnection, RequestError } from '@nats-io/transport-node'
import { header } from '#contracts/envelope'
import { askedBy } from '#contracts/subjects'
import type { Bus } from './bus.ts'
import { Fault, faults, reasonOf } from './fault.ts'

/** Who may name somebody else as the one who asks: the HTTP server alone. */
const speaksForOthers = (principal: string): boolean => principal.startsWith('web-')

/** Questions and answers between those who are there now. */
export const openRequests = (nc: NatsConnection) => {
  const request: Bus['request'] = async (subject, body, { timeout = 10_000, onBehalfOf } = {}) => {
    const h = headers()
    if (onBehalfOf) h.set(header.principal, onBehalfOf)
    let reply: Msg
    try {
      reply = await nc.request(subject, JSON.stringify(body), { timeout, headers: h })
    } catch (cause) {
      if (cause instanceof RequestError && cause.isNoResponders()) throw faults.noOwner(subject)
      if (cause instanceof errors.TimeoutError) throw faults.timeout(subject, timeout)
      if (cause instanceof errors.PermissionViolationError) throw faults.denied(`ask ${subject}`, cause)
      throw cause
    }
    const answer = reply.json<{ readonly fault?: { readonly code: string; readonly message: string } }>()
    if (answer?.fault) throw new Fault(answer.fault.code, answer.fault.message)
    return answer
  }

  const serve: Bus['serve'] = async (subject, answer, signal) => {
    const subscription = nc.subscribe(subject, { queue: 'owners' })
    signal.addEventListener('abort', () => void subscription.drain().catch(() => undefined), { once: true })
    const respond = async (message: Msg) => {
      try {
        const { principal } = askedBy(message.subject)
        const behalf = speaksForOthers(principal) ? message.headers?.get(header.principal) : undefined
        const onBehalfOf = behalf || undefined
        message.respond(
          JSON.stringify(await answer({ subject: message.subject, principal, onBehalfOf, body: parse(message) })),
        )
      } catch (cause) {
        const code = cause instanceof Fault ? cause.code : 'bus.broken'
        message.respond(JSON.stringify({ fault: { code, message: reasonOf(cause) } }))
      }
    }
    for await (const message of subscription) void respond(message)
  }

  return { request, serve }
}

const parse = (message: Msg): unknown => {
  try {
    return message.json()
  } catch {
    throw faults.brokenContract(message.subject, 'the body is not JSON')
  }
}
