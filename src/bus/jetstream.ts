import { openBuckets } from './buckets.ts'
import type { Bus } from './bus.ts'
import { connectTo, type OpenOptions } from './connection.ts'
import { openDead } from './dead.ts'
import { follower } from './follow.ts'
import { openLog } from './log.ts'
import { openPresence } from './presence.ts'
import { openRequests } from './requests.ts'
import { ensureStreams } from './streams.ts'
import { openTimers } from './timers.ts'
import { openWork } from './work.ts'

export { type OpenOptions, serverFloor } from './connection.ts'

/** Connects, makes the streams that are missing, and refuses a server whose streams are others. */
export const openBus = async (options: OpenOptions): Promise<Bus> => {
  const connection = await connectTo(options)
  const { nc, jsm, up } = connection
  try {
    const logId = await ensureStreams(jsm)
    const { verify, ...log } = openLog(connection, logId)
    return {
      logId,
      principal: options.principal,
      ...log,
      follow: follower(connection, logId, verify),
      ...openRequests(connection),
      ...openWork(connection, logId, verify),
      ...openDead(connection),
      ...openTimers(connection, logId),
      ...openPresence(nc),
      buckets: openBuckets(connection),
      closed: nc.closed().then((cause) => cause ?? undefined),
      connected: up,
      close: async () => {
        if (!nc.isClosed()) await nc.drain().catch(() => nc.close())
      },
    }
  } catch (cause) {
    await nc.close()
    throw cause
  }
}
