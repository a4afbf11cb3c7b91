import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream'
import { type ConnectionOptions, connect, errors, type NatsConnection, RequestError } from '@nats-io/transport-node'
import { bell } from './bell.ts'
import { Fault, faults } from './fault.ts'

/** The oldest server that does what is needed: batches 2.12, schedules 2.14. */
export const serverFloor = '2.14.0'

/** How long an answer of the server is waited for, in milliseconds. */
export const answeredWithin = 10_000

export type OpenOptions = {
  readonly url: string
  /** Who this connection is: a host, a person, a script. */
  readonly principal: string
  /** Credentials and certificates, as the client library takes them. */
  readonly security?: Pick<ConnectionOptions, 'authenticator' | 'tls' | 'inboxPrefix'>
  /** Whether to go on trying while no server answers; otherwise that is a fault. */
  readonly wait?: boolean
}

/** A connection, and what it knows of itself. It comes back by itself whenever it breaks, until it is closed. */
export type Connection = {
  readonly nc: NatsConnection
  readonly jsm: JetStreamManager
  readonly up: () => boolean
  /** Resolves when the connection breaks the next time, or when `signal` aborts. */
  readonly broken: (signal: AbortSignal) => Promise<void>
  /** Resolves when it has come back the next time, when it is closed, or when `signal` aborts. */
  readonly restored: (signal: AbortSignal) => Promise<void>
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

const dial = async ({ url, principal, security, wait = false }: OpenOptions): Promise<NatsConnection> => {
  try {
    return await connect({
      servers: url,
      name: principal,
      noAsyncTraces: true,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 250,
      reconnectJitter: 100,
      waitOnFirstConnect: wait,
      ...security,
    })
  } catch (cause) {
    if (cause instanceof errors.AuthorizationError) throw faults.denied(`connect to ${url}`, cause)
    throw faults.unreachable(url, cause)
  }
}

/** Follows the connection's state. */
const watch = (nc: NatsConnection): Pick<Connection, 'up' | 'broken' | 'restored'> => {
  const [breaks, returns] = [bell(), bell()]
  let up = true
  const turn = (now: boolean) => {
    up = now
    ;(now ? returns : breaks).ring()
  }
  const listen = async () => {
    for await (const { type } of nc.status()) {
      if (type === 'disconnect' || type === 'close') turn(false)
      if (type === 'reconnect') turn(true)
    }
    turn(false)
    returns.ring()
  }
  void listen()
  return { up: () => up, broken: breaks.rung, restored: returns.rung }
}

/**
 * Asks the server something. Waits first while there is no connection; and where it breaks, rejects at once, for the
 * answer would never come. What was asked may have been done then.
 */
export const whileUp = async <Answer>(
  { up, broken, restored }: Connection,
  what: string,
  ask: () => Promise<Answer>,
  within = answeredWithin,
): Promise<Answer> => {
  if (!up()) await restored(AbortSignal.timeout(within))
  if (!up()) throw faults.timeout(what, within)
  const settled = new AbortController()
  const breaking = broken(settled.signal).then(() => {
    throw faults.interrupted(what)
  })
  try {
    return await Promise.race([ask(), breaking])
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
  if (inner instanceof errors.PermissionViolationError) return faults.denied(what, inner)
  if (inner instanceof errors.TimeoutError) return faults.timeout(what, within)
  return cause
}

/** Whether one version comes before another. */
const isOlder = (found: string, required: string): boolean => {
  const parts = (version: string) => version.replace(/^v/, '').split(/[.-]/).slice(0, 3).map(Number)
  const [a, b] = [parts(found), parts(required)]
  for (let i = 0; i < 3; i++) if ((a[i] ?? 0) !== (b[i] ?? 0)) return (a[i] ?? 0) < (b[i] ?? 0)
  return false
}
