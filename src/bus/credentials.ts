import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { nkeyAuthenticator, nkeys } from '@nats-io/transport-node'
import { z } from 'zod'
import { problemsOf } from '#contracts/all'
import { name } from '#contracts/names'
import type { Security } from './dial.ts'
import { Fault, reasonOf } from './fault.ts'
import { inboxOf } from './permissions.ts'

const identity = z.object({
  principal: name.describe('Who it is; pinned by the permissions of its key'),
  seed: z
    .string()
    .regex(/^SU[A-Z2-7]{56}$/, 'expected the seed of a user')
    .describe('Secret'),
  inboxPrefix: z.string().describe('Where answers to it arrive'),
})

/** Who somebody is on the bus, with the secret that proves it. */
export type Identity = z.infer<typeof identity>

const credentials = identity.extend({
  url: z.string().describe('The server'),
  ca: z.string().includes('BEGIN CERTIFICATE').describe('PEM: who signs for the server'),
  web: identity.optional().describe('Who the web process of this host is: it speaks for others'),
})

/** The one file that is carried to another machine: where the server is, whom to trust, and who one is there. */
export type Credentials = z.infer<typeof credentials>

const ownCredentials = credentials.pick({ seed: true, ca: true }).extend({ url: z.string().optional() })

/** What lies on the server's own machine: it may everything, under any name. `url` is set while the server has TLS. */
export type LocalCredentials = z.infer<typeof ownCredentials>

/** A new identity, and the public key by which the server knows it. */
export const newIdentity = (principal: string): Identity & { readonly nkey: string } => {
  const pair = nkeys.createUser()
  const seed = new TextDecoder().decode(pair.getSeed())
  return { principal, seed, inboxPrefix: inboxOf(principal), nkey: pair.getPublicKey() }
}

/** Reads the file that was carried here. */
export const readCredentials = (path: string): Credentials => read(path, credentials)

/** Where the credentials of the server's own machine lie, under its state folder. */
export const localFile = (state: string): string => resolve(state, 'certs', 'local.json')

/** The credentials of the server's own machine; undefined where there are none. */
export const localCredentials = (state: string): LocalCredentials | undefined => {
  try {
    return read(localFile(state), ownCredentials)
  } catch (cause) {
    if (cause instanceof Fault && (cause.cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT')
      return undefined
    throw cause
  }
}

/** A word on a command line is meant from where that is typed, which the one who reads it may have forgotten. */
const absent = (path: string, cause: unknown): Fault =>
  new Fault(
    'config.credentials',
    `There is no file ${resolve(path)}. Name the one that millrace certs wrote, as it was carried to this machine`,
    { cause },
  )

const read = <Schema extends z.ZodType>(path: string, schema: Schema): z.output<Schema> => {
  const unusable = (reason: string, cause: unknown) =>
    new Fault('config.credentials', `${path} holds no credentials: ${reason}. See: millrace certs --help`, {
      cause,
    })
  try {
    const parsed = schema.safeParse(JSON.parse(readFileSync(path, 'utf8')))
    if (parsed.success) return parsed.data
    throw unusable(problemsOf(parsed.error.issues), parsed.error)
  } catch (cause) {
    if (cause instanceof Fault) throw cause
    throw (cause as NodeJS.ErrnoException).code === 'ENOENT' ? absent(path, cause) : unusable(reasonOf(cause), cause)
  }
}

/** What the client library needs to prove who we are, and to have the server at `url` prove who it is. */
export const securityOf = (
  { seed, ...who }: Pick<Identity, 'seed'> & Partial<Identity>,
  ca: string,
  url: string,
): Security => ({
  authenticator: nkeyAuthenticator(new TextEncoder().encode(seed)),
  // The library names no server where the address is a number, and the certificate would be held against `localhost`.
  tls: { ca, host: hostIn(url) } as { ca: string },
  ...(who.principal && { principal: who.principal }),
  ...(who.inboxPrefix && { inboxPrefix: who.inboxPrefix }),
})

/** The host of a server's address: `tls://[::1]:4222` is at `::1`. */
export const hostIn = (url: string): string => addressIn(url).hostname.replace(/^\[|\]$/g, '')

/** The port of a server's address. */
export const portIn = (url: string): number => Number(addressIn(url).port || 4222)

const addressIn = (url: string): URL => {
  const text = url.replace(/^\w+:\/\//, '')
  if (!URL.canParse(`nats://${text}`))
    throw new Fault('config.address', `'${url}' is no address: expected <host>:<port>`)
  return new URL(`nats://${text}`)
}
