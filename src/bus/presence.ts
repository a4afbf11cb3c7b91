import { setTimeout as delay } from 'node:timers/promises'
import { type KV, Kvm } from '@nats-io/kv'
import type { Bus, Presence } from './bus.ts'
import type { Connection } from './connection.ts'
import { readLasts } from './direct.ts'
import { Fault, faults } from './fault.ts'
import { answeredWith, serverCode } from './publish.ts'

/** How often a host says that it is there, and after how long without a word its name is free; milliseconds. */
export const beatEvery = 5_000
export const forgottenAfter = 20_000

type Held = Omit<Presence, 'seenAt'>

/** Names of hosts, kept in a bucket whose entries vanish unless they are renewed. */
export const openPresence = ({ nc, jsm }: Pick<Connection, 'nc' | 'jsm'>): Pick<Bus, 'appear' | 'present'> => {
  const bucket = () =>
    new Kvm(nc).create('presence', { ttl: forgottenAfter, history: 1, description: 'Hosts that are there' })

  const appear: Bus['appear'] = async (who, signal, disks) => {
    const kv = await bucket()
    const now = (): Held => ({ ...who, ...(disks && { disks: disks() }) })
    const first = await take(kv, now())

    const closed = new AbortController()
    void nc.closed().then(() => closed.abort())
    const ending = AbortSignal.any([signal, closed.signal])
    const hold = async (): Promise<void> => {
      let revision = first
      while (!ending.aborted) {
        await delay(beatEvery, undefined, { signal: ending }).catch(() => undefined)
        if (!ending.aborted) revision = await renew(kv, now(), revision)
      }
      // Only our own entry: the name may be somebody else's by now.
      await kv.delete(who.host, { previousSeq: revision }).catch(() => undefined)
    }
    return { gone: hold() }
  }

  /** Never with `keys()`, which leaves out whoever beats while it looks. */
  const present: Bus['present'] = async (host = '*') => {
    await bucket()
    const entries = await readLasts(jsm, 'KV_presence', `$KV.presence.${host}`)
    const held = entries.filter(({ header }) => !header.has('KV-Operation')) // A name that was given back is marked.
    const found = held.map((entry) => ({ ...entry.json<Held>(), seenAt: entry.time.getTime() }))
    return found.toSorted((a, b) => a.host.localeCompare(b.host))
  }

  return { appear, present }
}

/** Whether it is we who hold a name: a state folder that was copied to another machine has our instance too. */
export const isSame = (a: Held, b: Held): boolean => a.instance === b.instance && a.machine === b.machine

/** Takes the name: create-only, or over our own earlier entry. Of two who try at once, one is refused. */
const take = async (kv: KV, presence: Held, tries = 5): Promise<number> => {
  const body = JSON.stringify(presence)
  const found = await kv.get(presence.host)
  const held = found?.operation === 'PUT' ? found : undefined
  const holder = held?.json<Held>()
  if (holder && !isSame(holder, presence)) throw faults.twin(presence.host, holder.machine)
  try {
    return await (held ? kv.update(presence.host, body, held.revision) : kv.create(presence.host, body))
  } catch (cause) {
    if (!answeredWith(cause, serverCode.wrongLastSequence)) throw cause
    // Somebody was faster. It may have been ourselves, where an earlier connection still beats: who it was, another look says.
    if (tries === 1) throw faults.twin(presence.host, 'since just now')
    return take(kv, presence, tries - 1)
  }
}

/** Beats once. Where our entry has vanished meanwhile, takes the name again unless somebody else has it. */
const renew = async (kv: KV, presence: Held, revision: number): Promise<number> => {
  try {
    return await kv.update(presence.host, JSON.stringify(presence), revision)
  } catch (cause) {
    if (!answeredWith(cause, serverCode.wrongLastSequence)) return revision // The bus is away: the next beat tries again.
  }
  return take(kv, presence).catch((cause: unknown) => {
    if (cause instanceof Fault) throw cause
    return revision
  })
}
