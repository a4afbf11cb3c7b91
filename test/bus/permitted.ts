import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { jetstreamManager } from '@nats-io/jetstream'
import { connect, nkeyAuthenticator } from '@nats-io/transport-node'
import { afterAll, beforeAll } from 'vitest'
import type { Bus } from '#bus/bus'
import { newIdentity } from '#bus/credentials'
import { openBus } from '#bus/jetstream'
import { inboxOf, type Wanted } from '#bus/permissions'
import { authorizationOf, type User } from '#bus/users'
import type { Address } from '#contracts/subjects'
import { type Nats, startNats } from '../nats.ts'
import { fresh, happened } from './samples.ts'

/** A server that lets in those who are named, each with the permissions of its role, and its own machine with all. */
export const withUsers = (wanted: readonly Wanted[]) => {
  const seeds = new Map<string, string>()
  const open: { readonly close: () => Promise<unknown> }[] = []
  let nats: Nats
  let folder: string

  const userOf = (name: string, what: User['wanted']): User => {
    const { nkey, seed } = newIdentity(name)
    seeds.set(name, seed)
    return { name, nkey, wanted: what }
  }

  /** What a connection of somebody is made with. */
  const securityOf = (name: string) => ({
    authenticator: nkeyAuthenticator(new TextEncoder().encode(seeds.get(name))),
    inboxPrefix: inboxOf(name),
  })

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'millrace-users-'))
    const users = [userOf('admin', 'everything'), ...wanted.map((one) => userOf(one.principal, [one]))]
    const own = `include "${relative(folder, resolve('nats.conf'))}"\n`
    await writeFile(join(folder, 'server.conf'), own + authorizationOf(users))
    nats = await startNats(join(folder, 'server.conf'))
    await (await bus('admin')).present() // Makes the streams and the bucket, as the server's own machine does.
  })
  afterAll(async () => {
    await Promise.allSettled(open.map((one) => one.close()))
    await nats?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  const bus = async (name: string): Promise<Bus> => {
    const opened = await openBus({ url: nats.url, principal: name, security: securityOf(name) })
    open.push(opened)
    return opened
  }

  /** A connection that is no bus's, to try what no bus would. */
  const raw = async (name: string) => {
    const nc = await connect({ servers: nats.url, ...securityOf(name) })
    open.push(nc)
    return { nc, jsm: await jetstreamManager(nc, { checkAPI: false }) }
  }

  return { bus, raw, securityOf, url: () => nats.url }
}

/** Everybody that these tests know, one for each role. */
export const everybody: readonly Wanted[] = [
  { role: 'worker', principal: 'trainer', pipeline: 'p', agents: ['train'] },
  { role: 'worker', principal: 'scorer', pipeline: 'p', agents: ['score'] },
  { role: 'owner', principal: 'owner', pipeline: 'p' },
  { role: 'host', principal: 'hub', pipeline: 'p', agents: ['train', 'score'], stores: ['inbox'] },
  { role: 'host', principal: 'anywhere' },
  { role: 'web', principal: 'web-hub', pipeline: 'p' },
  { role: 'script', principal: 'ann' },
]

/** A fact of an agent. */
export const measured = (key: string): { address: Address; event: ReturnType<typeof happened> } => ({
  address: { aggregate: 'tracking', scope: 'p', key },
  event: { ...happened(fresh(), { key: 'loss', value: 0.5 }), type: 'tracking.metric-logged' },
})

export const post = async (of: Bus, key: string) => {
  const { address, event } = measured(key)
  return of.append([{ address, expectedVersion: (await of.read(address)).version, events: [event] }])
}

/** Runs something until the test has ended. */
export const during =
  (context: { onTestFinished: (undo: () => Promise<void>) => void }) =>
  (begin: (signal: AbortSignal) => Promise<unknown>) => {
    const stop = new AbortController()
    const ended = begin(stop.signal)
    ended.catch(() => undefined)
    context.onTestFinished(async () => {
      stop.abort()
      await ended.catch(() => undefined)
    })
    return ended
  }
