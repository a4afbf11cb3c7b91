import { setTimeout as delay } from 'node:timers/promises'
import type { Bus } from '#bus/bus'
import { Fault } from '#bus/fault'
import type { Hosting } from './hosting.ts'

/**
 * Takes the host's name. Where this very installation was on another machine just now (a container that was started anew
 * has another name), that one is forgotten first, unless it gives a sign of life.
 */
export const appear = async (
  { bus, log, signal }: Pick<Hosting, 'bus' | 'log' | 'signal'>,
  presence: Parameters<Bus['appear']>[0],
  until: AbortSignal,
  disks?: Parameters<Bus['appear']>[2],
): ReturnType<Bus['appear']> => {
  for (let first: number | undefined; ; ) {
    try {
      return await bus.appear(presence, until, disks)
    } catch (cause) {
      if (!(cause instanceof Fault && cause.code === 'host.twin')) throw cause
      const [former] = await bus.present(presence.host)
      if (former && (former.instance !== presence.instance || former.seenAt !== (first ?? former.seenAt))) throw cause
      if (former && first === undefined)
        log('info', `${presence.host} was on ${former.machine} a moment ago: waiting until it is forgotten there`)
      first ??= former?.seenAt
      await delay(500, undefined, { signal }).catch(() => signal.throwIfAborted())
    }
  }
}
