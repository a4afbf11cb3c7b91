import { randomUUID } from 'node:crypto'
import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream'
import { type ConnectionOptions, connect, type NatsConnection } from '@nats-io/transport-node'
import { openBuckets } from './buckets.ts'
import type { Bus } from './bus.ts'
import { faults } from './fault.ts'
import { follower } from './follow.ts'
import { openLog } from './log.ts'
import { openPresence } from './presence.ts'
import { openRequests } from './requests.ts'
import { driftOf, logIdKey, streams } from './streams.ts'
import { openTimers } from './timers.ts'
import { openWork } from './work.ts'

/** The oldest server that does what is needed: batches 2.12, schedules 2.14. */
export const serverFloor = '2.14.0'

export type OpenOptions = {
  readonly url: string
  /** Who this connection is: a host, a person, a script. */
  readonly principal: string
  /** Credentials and certificates, as the client library takes them. */
  readonly security?: Pick<ConnectionOptions, 'authenticator' | 'tls' | 'inboxPrefix'>
  /** Whether to go on trying while no server answers; otherwise that is a fault. */
  readonly wait?: boolean
}

/** Connects, makes the streams that are missing, and refuses a server whose streams are others. */
export const openBus = async ({ url, principal, security, wait = false }: OpenOptions): Promise<Bus> => {
  const nc = await connectTo(url, principal, security, wait)
  const version = nc.info?.version ?? '0'
  if (isOlder(version, serverFloor)) {
    await nc.close()
    throw faults.tooOldServer(version, serverFloor)
  }
  const jsm = await jetstreamManager(nc, { checkAPI: false })
  const logId = await ensureStreams(jsm)
  const log = await openLog(nc, logId)
  const { last, read, append, head } = log
  return {
    logId,
    principal,
    last,
    read,
    append,
    head,
    follow: follower(nc, logId, log.verify),
    ...openRequests(nc),
    ...(await openWork(nc, logId)),
    ...(await openTimers(nc, logId)),
    ...openPresence(nc),
    buckets: await openBuckets(nc),
    closed: nc.closed().then((cause) => cause ?? undefined),
    connected: watchConnection(nc),
    close: async () => {
      if (!nc.isClosed()) await nc.drain().catch(() => nc.close())
    },
  }
}

/** Follows the connection's state: whether there is one at this moment. */
const watchConnection = (nc: NatsConnection): (() => boolean) => {
  let up = true
  const listen = async () => {
    for await (const { type } of nc.status()) {
      if (type === 'disconnect' || type === 'close') up = false
      if (type === 'reconnect') up = true
    }
    up = false
  }
  void listen()
  return () => up
}

const connectTo = async (
  url: string,
  principal: string,
  security: OpenOptions['security'],
  wait: boolean,
): Promise<NatsConnection> => {
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
    throw faults.unreachable(url, cause)
  }
}

/** Creates what is missing; refuses what differs in a key that we state. Gives the log's id. */
const ensureStreams = async (jsm: JetStreamManager): Promise<string> => {
  let logId = ''
  for (const stated of streams) {
    const { metadata, ...config } = { metadata: {}, ...stated }
    const isLog = stated.name === 'EVENTS'
    const info = await jsm.streams
      .info(stated.name)
      .catch(() =>
        jsm.streams
          .add({ ...config, ...(isLog && { metadata: { [logIdKey]: randomUUID() } }) } as never)
          .catch(() => jsm.streams.info(stated.name)),
      )
    const differences = driftOf(stated, info.config as never)
    if (isLog) {
      logId = info.config.metadata?.[logIdKey] ?? ''
      if (!logId) differences.push(`metadata.${logIdKey}: expected an id, found none`)
    }
    if (differences.length > 0) throw faults.drift(stated.name, differences)
  }
  return logId
}

/** Whether one version comes before another. */
export const isOlder = (found: string, required: string): boolean => {
  const parts = (version: string) => version.replace(/^v/, '').split(/[.-]/).slice(0, 3).map(Number)
  const [a, b] = [parts(found), parts(required)]
  for (let i = 0; i < 3; i++) if ((a[i] ?? 0) !== (b[i] ?? 0)) return (a[i] ?? 0) < (b[i] ?? 0)
  return false
}
