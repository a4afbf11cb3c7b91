import { probeLog } from '#contracts/subjects'
import type { Bus, Health } from './bus.ts'
import type { Connection } from './connection.ts'
import { reasonOf } from './fault.ts'
import { serverFloor } from './version.ts'

/** How the server is: its version, its room, and whether what is written to it is stored. */
export const openHealth =
  ({ nc, jsm }: Connection): Bus['examine'] =>
  async (): Promise<Health> => {
    const version = nc.info?.version ?? 'unknown'
    const account = await jsm.getAccountInfo().catch(() => undefined)
    const asked = Date.now()
    const write = await probe(jsm, asked).catch((cause: unknown) => ({
      stored: false as const,
      reason: reasonOf(cause),
    }))
    return {
      version,
      floor: serverFloor,
      storage: account && { used: account.storage, limit: account.limits.max_storage },
      write,
    }
  }

/** Writes one small line of output, which expires by itself, and sees when the server says it was stored. */
const probe = async (jsm: Connection['jsm'], asked: number) => {
  const { seq, stream } = await jsm.jetstream().publish(probeLog, String(asked), { timeout: 5_000 })
  const stored = await jsm.streams.getMessage(stream, { seq })
  const now = Date.now()
  // The server's clock against the middle of asking and being answered.
  return { stored: true as const, took: now - asked, ahead: (stored?.time.getTime() ?? now) - (asked + now) / 2 }
}
