import { Kvm } from '@nats-io/kv'
import type { NatsConnection } from '@nats-io/transport-node'
import type { Presence } from './bus.ts'
import { faults } from './fault.ts'

/** How often a host says that it is there, and after how long without a word its name is free; milliseconds. */
export const beatEvery = 5_000
export const forgottenAfter = 20_000

/** Names of hosts, kept in a bucket whose entries vanish unless they are renewed. */
export const openPresence = (nc: NatsConnection) => {
  const bucket = () =>
    new Kvm(nc).create('presence', { ttl: forgottenAfter, history: 1, description: 'Hosts that are there' })

  const appear = async (
    presence: Omit<Presence, 'seenAt'>,
    signal: AbortSignal,
  ): Promise<{ readonly gone: Promise<void> }> => {
    const kv = await bucket()
    const body = JSON.stringify(presence)
    const found = await kv.get(presence.host)
    const held = found && found.operation === 'PUT' ? found.json<Presence>() : undefined
    if (held && held.instance !== presence.instance) throw faults.twin(presence.host, held.machine)
    // Create-only, or over our own earlier entry: of two who try at once, one gets a conflict.
    let revision = await (held && found
      ? kv.update(presence.host, body, found.revision)
      : kv.create(presence.host, body)
    ).catch(() => Promise.reject(faults.twin(presence.host, 'just now')))
    const beat = async () => {
      try {
        revision = await kv.update(presence.host, body, revision)
      } catch {
        // The bus was away, or our entry had vanished meanwhile: look, and take the name again if nobody else has.
        const now = await kv.get(presence.host).catch(() => undefined)
        if (now === undefined) return
        const holder = now?.operation === 'PUT' ? now.json<Presence>() : undefined
        if (holder && holder.instance !== presence.instance) throw faults.twin(presence.host, holder.machine)
        revision = await kv.put(presence.host, body).catch(() => revision)
      }
    }
    const gone = new Promise<void>((resolve, reject) => {
      const timer = setInterval(() => void beat().catch(end), beatEvery)
      const end = (cause?: unknown) => {
        clearInterval(timer)
        if (cause instanceof Error) reject(cause)
        else
          void kv
            .delete(presence.host)
            .catch(() => undefined)
            .then(() => resolve())
      }
      signal.addEventListener('abort', () => end(), { once: true })
    })
    return { gone }
  }

  const present = async (): Promise<readonly Presence[]> => {
    const kv = await bucket()
    const found: Presence[] = []
    for await (const key of await kv.keys()) {
      const entry = await kv.get(key)
      if (entry?.operation === 'PUT')
        found.push({ ...entry.json<Omit<Presence, 'seenAt'>>(), seenAt: entry.created.getTime() })
    }
    return found.toSorted((a, b) => a.host.localeCompare(b.host))
  }

  return { appear, present }
}
