import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream'
import { errors, type NatsConnection, PermissionViolationError, RequestError } from '@nats-io/transport-node'
import { bell } from './bell.ts'
import { dial, type OpenOptions } from './dial.ts'
import { Fault, faults } from './fault.ts'
import { isOlder, serverFloor } from './version.ts'

/** How long an answer of the server is waited for, in milliseconds. */
export const answeredWithin = 10_000

export type { OpenOptions, Security } from './dial.ts'

/** A connection, and what it knows of itself. It comes back by itself whenever it breaks, until it is closed. */
export type Connection = {
  readonly nc: NatsConnection
  readonly jsm: JetStreamManager
  readonly up: () => boolean
  /** Resolves when the connection breaks the next time, or when `signal` aborts. */
  readonly broken: (signal: AbortSignal) => Promise<void>
  /** Resolves when it has come back the next time, when it is closed, or when `signal` aborts. */
  readonly restored: (signal: AbortSignal) => Promise<void>
  /** Calls `hear` whenever the server says that this principal may not use a subject, until `signal` aborts. */
  readonly violations: (hear: (violation: PermissionViolationError) => void, signal: AbortSignal) => void
}

/** Connects to a server that is new enough. */
export const connectTo = async (options: OpenOptions): Promise<Connection> => {
  const nc = await dial(options)
  const version = nc.info?.version ?? '0'
  if (isOlder(version, serverFloor)) {
    await nc.close()
    throw faults.tooOldServer(version, serverFloor)
  }
  return { nc, jsm: await jetstreamManager(nc, { checkAPI: false, timeout: answeredWithin }), ...watch(nc) }
}

/** Follows the connection's state. */
const watch = (nc: NatsConnection): Pick<Connection, 'up' | 'broken' | 'restored' | 'violations'> => {
  const [breaks, returns] = [bell(), bell()]
  const hearers = new Set<(violation: PermissionViolationError) => void>()
  let up = true
  const turn = (now: boolean) => {
    up = now
    ;(now ? returns : breaks).ring()
  }
  const listen = async () => {
    for await (const status of nc.status()) {
      if (status.type === 'disconnect' || status.type === 'close') turn(false)
      if (status.type === 'reconnect') turn(true)
      if (status.type === 'error' && status.error instanceof PermissionViolationError)
        for (const hear of hearers) hear(status.error)
    }
    turn(false)
    returns.ring()
  }
  void listen()
  const violations: Connection['violations'] = (hear, signal) => {
    hearers.add(hear)
    signal.addEventListener('abort', () => hearers.delete(hear), { once: true })
  }
  return { up: () => up, broken: breaks.rung, restored: returns.rung, violations }
}

/**
 * Does something that sends to subjects which `concerns` knows, and rejects as soon as the server says that one of them
 * is not allowed. The server says so beside the answers, and some of what the client library does would wait for ever.
 */
export const unlessDenied = async <Answer>(
  connection: Pick<Connection, 'violations'>,
  what: string,
  concerns: (subject: string) => boolean,
  act: () => Promise<Answer>,
): Promise<Answer> => {
  const settled = new AbortController()
  const denied = new Promise<never>((_, reject) => {
    const hear = (violation: PermissionViolationError) =>
      concerns(violation.subject) && reject(faults.denied(what, violation))
    connection.violations(hear, settled.signal)
  })
  try {
    return await Promise.race([act(), denied])
  } finally {
    settled.abort()
  }
}

/** Does something, and says what was attempted where the server does not allow it. */
export const clearly = async <Answer>(what: string, act: () => Promise<Answer>): Promise<Answer> => {
  try {
    return await act()
  } catch (cause) {
    throw explained(cause, what)
  }
}

/**
 * Asks the server something. Waits first while there is no connection; and where it breaks, rejects at once, for the
 * answer would never come. What was asked may have been done then.
 */
export const whileUp = async <Answer>(
  { nc, up, broken, restored }: Connection,
  what: string,
  ask: () => Promise<Answer>,
  within = answeredWithin,
): Promise<Answer> => {
  if (nc.isClosed()) throw faults.closed(what)
  if (!up()) await restored(AbortSignal.timeout(within))
  if (!up()) throw nc.isClosed() ? faults.closed(what) : faults.timeout(what, within)
  const settled = new AbortController()
  const breaking = broken(settled.signal).then(() => {
    throw faults.interrupted(what)
  })
  try {
    const asking = async () => ask() // What it throws at once must not leave the other one alone.
    return await Promise.race([asking(), breaking])
  } catch (cause) {
    throw explained(cause, what, within)
  } finally {
    settled.abort()
  }
}

/**
 * Asks the server something that may be asked twice: where no answer comes, again, for so many milliseconds, or until
 * the connection is closed.
 */
export const reliably = async <Answer>(
  connection: Connection,
  what: string,
  ask: () => Promise<Answer>,
  patience = answeredWithin,
): Promise<Answer> => {
  const until = performance.now() + patience
  for (;;) {
    try {
      return await whileUp(connection, what, ask)
    } catch (cause) {
      const unanswered = cause instanceof Fault && cause.code === 'bus.timeout'
      if (!unanswered || connection.nc.isClosed() || performance.now() > until) throw cause
    }
  }
}

/** The fault that a failure of the client library is, where we have one for it. The library wraps some in a request's. */
export const explained = (cause: unknown, what: string, within = answeredWithin): unknown => {
  const inner = cause instanceof RequestError ? (cause.cause ?? cause) : cause
  if (inner instanceof PermissionViolationError) return faults.denied(what, inner)
  if (inner instanceof errors.TimeoutError) return faults.timeout(what, within)
  return cause
}
