import { mkdir } from 'node:fs/promises'
import { isIP } from 'node:net'
import { hostname, networkInterfaces } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type Authority, type Certificate, certificateFor, ensureAuthority, hasAuthority } from './certs.ts'
import {
  type Credentials,
  hostIn,
  type LocalCredentials,
  localCredentials,
  localFile,
  newIdentity,
  securityOf,
} from './credentials.ts'
import { dial } from './dial.ts'
import { Fault, faults } from './fault.ts'
import { inTurn, textOf, writeWhole } from './files.ts'
import { lives } from './lock.ts'
import type { Wanted } from './permissions.ts'
import { ownConfig } from './server.ts'
import { recall, serverName, urlOf } from './server-place.ts'
import { authorizationOf, type User } from './users.ts'

/** Where everything lies that keeps a server of this machine closed to strangers. */
const placesIn = (state: string) => {
  const [certs, nats] = [resolve(state, 'certs'), resolve(state, 'nats')]
  return {
    certs,
    nats,
    local: localFile(state),
    users: join(certs, 'users.json'),
    authorization: join(nats, 'authorization.conf'),
    config: join(nats, 'secure.conf'),
  }
}

/** Whether `millrace certs` was run. */
export const isSecured = (state: string): Promise<boolean> => hasAuthority(placesIn(state).certs)

/** What a server of this machine needs to let in only those who are named. */
export type Secured = { readonly authority: Authority; readonly certificate: Certificate; readonly config: string }

/**
 * Makes what is missing: the authority, the server's certificate, the credentials of this machine, and the configuration
 * that uses them. `hosts` are names and addresses by which others reach this machine, beside those that it knows.
 */
export const secure = async (state: string, hosts: readonly string[] = []): Promise<Secured> => {
  const places = placesIn(state)
  await mkdir(places.nats, { recursive: true })
  const authority = await ensureAuthority(places.certs)
  const certificate = await certificateFor(authority, { called: 'nats-server', ...subjectsOf(hosts) })
  await inTurn(places.certs, async () => {
    const local = localCredentials(state)
    if (local && (await usersOf(state)).some(({ wanted }) => wanted === 'everything')) return writeConfig(state)
    const { nkey, seed } = newIdentity('local')
    await keepUser(state, { name: 'local', nkey, wanted: 'everything' })
    await writeLocal(state, { seed, ca: authority.certificate, ...(local?.url && { url: local.url }) })
    return writeConfig(state)
  })
  return { authority, certificate, config: places.config }
}

/** Notes at which address this machine's server has TLS; nowhere, where it was started without. */
export const noteServer = async (state: string, url: string): Promise<void> => {
  const local = localCredentials(state)
  if (!local) return
  const { url: _, ...rest } = local
  await writeLocal(state, url.startsWith('tls:') ? { ...rest, url } : rest)
}

/** Lets somebody in, with a new key: an earlier one of the same name is no longer good. Gives the file to carry there. */
export const admit = async (
  state: string,
  url: string,
  wanted: readonly Wanted[],
  web?: readonly Wanted[],
): Promise<Credentials> => {
  const { authority } = await secure(state, [hostIn(url)])
  return inTurn(placesIn(state).certs, async () => {
    const make = async (rights: readonly Wanted[]) => {
      const { nkey, ...identity } = newIdentity(rights[0]?.principal ?? '')
      await keepUser(state, { name: identity.principal, nkey, wanted: rights })
      return identity
    }
    const identity = await make(wanted)
    const credentials = { ...identity, url, ca: authority.certificate, ...(web && { web: await make(web) }) }
    await writeConfig(state)
    return credentials
  })
}

/** Shuts somebody out, and says whether there was anybody of that name. */
export const expel = (state: string, name: string): Promise<boolean> =>
  inTurn(placesIn(state).certs, async () => {
    // Without its own key this machine could not lead its server; without any, the server would let in everybody.
    if (name === 'local') throw faults.ownKey()
    const users = await usersOf(state)
    const left = users.filter((user) => user.name !== name && user.name !== `web-${name}`)
    if (left.length === users.length) return false
    await writeWhole(placesIn(state).users, JSON.stringify(left, null, 2))
    await writeConfig(state)
    return true
  })

/**
 * Has the server that runs here read its configuration again. Resolves when it has: when it lets `newcomer` in. Says
 * whether one runs that looks at it at all.
 */
export const reload = async (state: string, newcomer?: Credentials): Promise<boolean> => {
  const running = await recall(placesIn(state).nats)
  if (!running || !(await lives(running))) return false
  const url = await urlOf(running)
  if (!url.startsWith('tls:')) return false
  process.kill(running.pid, 'SIGHUP')
  for (let tries = 0; newcomer; tries++) {
    try {
      const security = securityOf(newcomer, newcomer.ca, url)
      await (await dial({ url, principal: newcomer.principal, security })).close()
      return true
    } catch (cause) {
      if (!(cause instanceof Fault && cause.code === 'bus.denied') || tries === 100) throw cause
      await delay(50)
    }
  }
  return true
}

/** Everybody who is let in. */
export const usersOf = async (state: string): Promise<readonly User[]> =>
  JSON.parse((await textOf(placesIn(state).users)) ?? '[]')

const keepUser = async (state: string, user: User): Promise<void> => {
  const others = (await usersOf(state)).filter(({ name }) => name !== user.name)
  await writeWhole(placesIn(state).users, JSON.stringify([...others, user], null, 2))
}

const writeLocal = (state: string, local: LocalCredentials): Promise<void> =>
  writeWhole(placesIn(state).local, JSON.stringify(local, null, 2))

/** Writes the server's configuration: that of this package, TLS, and who may do what as this version has it. */
const writeConfig = async (state: string): Promise<void> => {
  const { certs, nats, authorization, config } = placesIn(state)
  const pem = JSON.stringify(join(certs, 'nats-server.pem'))
  await writeWhole(authorization, authorizationOf(await usersOf(state)))
  const lines = [
    '# Written by millrace: changes are lost. The paths of includes are relative to this file.',
    `include ${JSON.stringify(relative(dirname(config), ownConfig()))}`,
    `server_name: $${serverName}`,
    `tls { cert_file: ${pem}, key_file: ${pem} }`,
    `include ${JSON.stringify(relative(nats, authorization))}`,
  ]
  await writeWhole(config, `${lines.join('\n')}\n`)
}

/** By what this machine is reached: its names and addresses, and those that were given. */
const subjectsOf = (hosts: readonly string[]) => {
  const own = Object.values(networkInterfaces()).flatMap((some = []) => some.filter(({ scopeid }) => !scopeid))
  const all = ['localhost', hostname(), '127.0.0.1', '::1', ...own.map(({ address }) => address), ...hosts]
  const isAny = (host: string) => host === '0.0.0.0' || host === '::'
  return {
    names: [...new Set(all.filter((host) => !isIP(host)))],
    addresses: [...new Set(all.filter((host) => isIP(host) && !isAny(host)))],
  }
}
