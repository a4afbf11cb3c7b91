import { setTimeout as delay } from 'node:timers/promises'
import type { Bus } from '#bus/bus'
import { within } from '#projections/within'

/**
 * Tells whoever listens that hosts have come or gone. Presence is no event, so it is looked at, every so many milliseconds
 * and only while somebody listens.
 */
export const watchPresence = (bus: Pick<Bus, 'present' | 'connected'>, every: number) => {
  const listeners = new Set<(hosts: readonly string[]) => void>()
  let known: readonly string[] | undefined
  let looking = false
  const look = async (): Promise<void> => {
    const present = bus.connected() ? await within(bus.present()) : undefined
    const hosts = present?.map(({ host }) => host)
    if (hosts && known && hosts.join() !== known.join()) for (const listener of listeners) listener(hosts)
    known = hosts ?? known
  }
  const lookOn = async (): Promise<void> => {
    looking = true
    while (listeners.size > 0) {
      await look()
      await delay(every, undefined, { ref: false })
    }
    looking = false
    known = undefined
  }
  return (listener: (hosts: readonly string[]) => void): (() => void) => {
    listeners.add(listener)
    if (!looking) void lookOn()
    return () => listeners.delete(listener)
  }
}
