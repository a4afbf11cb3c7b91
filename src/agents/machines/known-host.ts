import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { promisify } from 'node:util'
import { machineFaults } from './machine-faults.ts'
import type { Reached } from './ssh-settings.ts'

/** A key that is kept for a host. */
export type KnownKey = { readonly type: string; readonly key: string; readonly revoked: boolean }

/** The keys that are kept for a host, from files with plain or hashed names; what is not a file holds none. */
export const knownKeys = async ({ knownAs, knownHosts }: Reached): Promise<readonly KnownKey[]> => {
  const found = knownHosts.map(async (file) => {
    const asked = promisify(execFile)('ssh-keygen', ['-F', knownAs, '-f', file])
    return asked.then(
      ({ stdout }) => keysIn(stdout),
      (cause: { code?: unknown }) => {
        if (cause.code === 'ENOENT') throw machineFaults.noProgram('this machine', 'ssh-keygen')
        return [] // It says 1 of a host that isn't in a file, and of a file that isn't there.
      },
    )
  })
  return (await Promise.all(found)).flat()
}

/** Those of certificate authorities are passed over: they vouch for certificates, which are not asked for. */
const keysIn = (lines: string): readonly KnownKey[] =>
  lines.split('\n').flatMap((line) => {
    const [, marker, type, key] = /^(?:(@\S+) )?[^#@\s]\S* (\S+) (\S+)/.exec(line) ?? []
    return type && key && marker !== '@cert-authority' ? [{ type, key, revoked: marker === '@revoked' }] : []
  })

/** What a host may prove itself with, by the type of its key; a bare `ssh-rsa` signature is not trusted any more. */
const signatures: Readonly<Record<string, readonly string[]>> = {
  'ssh-ed25519': ['ssh-ed25519'],
  'ecdsa-sha2-nistp256': ['ecdsa-sha2-nistp256'],
  'ecdsa-sha2-nistp384': ['ecdsa-sha2-nistp384'],
  'ecdsa-sha2-nistp521': ['ecdsa-sha2-nistp521'],
  'ssh-rsa': ['rsa-sha2-512', 'rsa-sha2-256'],
}

/**
 * What a host is asked to prove itself with: types that are known of it first, or a host with several keys would show one that is
 * not. The others follow, so that a host whose keys were all changed can be told which one it shows.
 */
export const askedFor = (known: readonly KnownKey[]): readonly string[] => {
  const types = known.filter(({ revoked }) => !revoked).map(({ type }) => type)
  return [...new Set([...types, ...Object.keys(signatures)].flatMap((type) => signatures[type] ?? []))]
}

/** Throws where the key that a host has shown is not one that is kept for it. Nothing is ever added by itself. */
export const checkShown = (shown: Buffer, known: readonly KnownKey[], reached: Reached): void => {
  const { hostname, port, knownHosts } = reached
  const key = shown.toString('base64')
  const same = known.filter((one) => one.key === key)
  if (same.length > 0 && !same.some(({ revoked }) => revoked)) return
  const where = `${hostname}:${port}`
  const scan = `ssh-keyscan -p ${port} ${hostname}`
  const words = `${typeOf(shown)} ${fingerprint(shown)}`
  if (same.length > 0) throw machineFaults.revokedHost(where, words, knownHosts)
  const trusted = known.filter(({ revoked }) => !revoked)
  if (trusted.length === 0) throw machineFaults.unknownHost(where, words, knownHosts, scan)
  const kept = trusted.map((one) => `${one.type} ${fingerprint(Buffer.from(one.key, 'base64'))}`)
  throw machineFaults.changedHost(where, words, kept, knownHosts, scan)
}

/** A key as OpenSSH shows it to people. */
export const fingerprint = (key: Buffer): string =>
  `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`

/** A key begins with the name of its type, as a length and as many characters. */
const typeOf = (key: Buffer): string =>
  key.length < 4 ? '' : key.toString('latin1', 4, 4 + key.readUInt32BE(0)).replace(/[^\w.@-]/g, '?')
