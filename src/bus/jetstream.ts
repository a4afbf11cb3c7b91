import { setTimeout as delay } from 'node:timers/promises'
import { openBuckets } from './buckets.ts'
import type { Bus } from './bus.ts'
import { clearly, connectTo, type OpenOptions } from './connection.ts'
import { openDead } from './dead.ts'
import { follower } from './follow.ts'
import { openHealth } from './health.ts'
import { openLog } from './log.ts'
import { openOutput } from './output.ts'
import { openPresence } from './presence.ts'
import { openRequests } from './requests.ts'
import { ensureStreams } from './streams.ts'
import { openTimers } from './timers.ts'
import { openWork } from './work.ts'

export type { OpenOptions, Security } from './connection.ts'

/** How long what waits may take to be sent at the end, in milliseconds. */
const closedWithin = 3_000

/** Connects, makes the streams that are missing, and refuses a server whose streams are others. */
export const openBus = async (options: OpenOptions): Promise<Bus> => {
  const principal = options.security?.principal ?? options.principal
  const connection = await connectTo({ ...options, principal })
  const { nc, jsm, up } = connection
  try {
    const logId = await clearly('look at the streams, or make them', () => ensureStreams(jsm))
    const { verify, ...log } = openLog(connection, logId)
    const presence = openPresence(connection)
    return {
      logId,
      principal,
      ...log,
      follow: follower(connection, logId, verify),
      ...openRequests(connection, options.tell),
      ...openWork(connection, logId, verify),
      ...openDead(connection),
      ...openOutput(connection),
      ...openTimers(connection, logId),
      appear: (who, signal, disks) => clearly(`appear as ${who.host}`, () => presence.appear(who, signal, disks)),
      present: (host) => clearly('see who is there', () => presence.present(host)),
      buckets: openBuckets(connection, options.keepBytes),
      examine: openHealth(connection),
      closed: nc.closed().then((cause) => cause ?? undefined),
      connected: up,
      close: async () => {
        if (nc.isClosed()) return
        // Without a server there is nobody to send to, and draining would wait for one.
        const patience = delay(closedWithin, undefined, { ref: false })
        if (up()) await Promise.race([nc.drain(), patience]).catch(() => undefined)
        await nc.close()
      },
    }
  } catch (cause) {
    await nc.close()
    throw cause
  }
}
