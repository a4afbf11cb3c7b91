import 'reflect-metadata' // The X.509 library needs it.
import { createPrivateKey, X509Certificate as Parsed, randomBytes } from 'node:crypto'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { join } from 'node:path'
import * as x509 from '@peculiar/x509'
import { Fault } from '#bus/fault'
import { takeLock } from '#bus/lock'
import { nameFrom } from '#contracts/names'

/** What a TLS server needs, and the file that its visitors may trust. */
export type Certificate = {
  readonly key: string
  readonly cert: string
  readonly caPath: string
  readonly expires: Date
}

const day = 86_400_000
/** A certificate is made anew when fewer days than these are left. */
const renewedWithin = 30 * day
const lifetime = { ca: 3650 * day, host: 397 * day }

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const { subtle } = globalThis.crypto

/** The names that a certificate must be good for. */
const namesFor = (host: string): readonly string[] => [
  ...new Set(['localhost', '127.0.0.1', '::1', host.replace(/^\[|\]$/g, '')]),
]

/**
 * The certificate of a host, signed by a local authority. Both are made where they are missing, and again before they
 * expire; several processes with one state folder share the authority.
 */
export const certificateFor = async (stateDir: string, host: string, now = new Date()): Promise<Certificate> => {
  const folder = join(stateDir, 'tls')
  await mkdir(folder, { recursive: true, mode: 0o700 })
  return inTurn(join(folder, 'lock'), async () => {
    const caPath = join(folder, 'ca.pem')
    const hostPath = join(folder, `host-${nameFrom(host)}.pem`)
    const ca = (await kept(caPath, join(folder, 'ca-key.pem'), now)) ?? (await makeAuthority(folder, now))
    const known = await kept(hostPath, hostPath, now)
    const isGood = known?.parsed.checkIssued(ca.parsed) && namesFor(host).every((name) => covers(known.parsed, name))
    const { key, cert, parsed } = known && isGood ? known : await makeHost(hostPath, host, ca, now)
    return { key, cert: `${cert}\n${ca.cert}`, caPath, expires: parsed.validToDate }
  })
}

type Pair = { readonly key: string; readonly cert: string; readonly parsed: Parsed }

const pairOf = (key: string, cert: string): Pair => ({ key, cert, parsed: new Parsed(cert) })

const covers = (certificate: Parsed, name: string): boolean =>
  (isIP(name) ? certificate.checkIP(name) : certificate.checkHost(name)) !== undefined

/** A pair that was made earlier; undefined where there is none, where it is broken, or where it expires soon. */
const kept = async (certPath: string, keyPath: string, now: Date): Promise<Pair | undefined> => {
  const [cert, key] = await Promise.all([certPath, keyPath].map((path) => readFile(path, 'utf8').catch(() => '')))
  try {
    const pair = pairOf(blockIn(key ?? '', 'PRIVATE KEY'), blockIn(cert ?? '', 'CERTIFICATE'))
    const isOurs = pair.parsed.checkPrivateKey(createPrivateKey(pair.key))
    return isOurs && pair.parsed.validToDate.getTime() - now.getTime() > renewedWithin ? pair : undefined
  } catch {
    return undefined
  }
}

const blockIn = (pem: string, label: string): string =>
  new RegExp(`-----BEGIN ${label}-----[^-]+-----END ${label}-----`).exec(pem)?.[0] ?? ''

const makeAuthority = async (folder: string, now: Date): Promise<Pair> => {
  const keys = await subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    ...about('Millrace local authority', now, lifetime.ca),
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  const pair = pairOf(await pemOf(keys.privateKey), certificate.toString('pem'))
  await write(join(folder, 'ca-key.pem'), pair.key, 0o600)
  await write(join(folder, 'ca.pem'), pair.cert, 0o644)
  return pair
}

const makeHost = async (path: string, host: string, ca: Pair, now: Date): Promise<Pair> => {
  const keys = await subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const signingKey = await subtle.importKey(
    'pkcs8',
    createPrivateKey(ca.key).export({ type: 'pkcs8', format: 'der' }),
    algorithm,
    false,
    ['sign'],
  )
  const authority = new x509.X509Certificate(ca.cert)
  const names = namesFor(host).map((name) => ({ type: isIP(name) ? 'ip' : 'dns', value: name }) as const)
  const certificate = await x509.X509CertificateGenerator.create({
    ...about(host, now, lifetime.host),
    issuer: authority.subject,
    publicKey: keys.publicKey,
    signingKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension([...names]),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(authority),
    ],
  })
  const pair = pairOf(await pemOf(keys.privateKey), certificate.toString('pem'))
  // One file: key and certificate are never of two makings.
  await write(path, `${pair.key}\n${pair.cert}\n`, 0o600)
  return pair
}

const about = (name: string, now: Date, lifetime: number) => ({
  serialNumber: `01${randomBytes(15).toString('hex')}`,
  subject: `CN=${commonName(name)}`,
  name: `CN=${commonName(name)}`,
  notBefore: new Date(now.getTime() - day), // Clocks differ.
  notAfter: new Date(now.getTime() + lifetime),
  signingAlgorithm: algorithm,
})

/** A name without the characters that part a distinguished name. */
const commonName = (name: string): string => name.replaceAll(/[^\w .-]/g, '-')

const pemOf = async (key: CryptoKey): Promise<string> =>
  x509.PemConverter.encode(await subtle.exportKey('pkcs8', key), 'PRIVATE KEY')

const write = async (path: string, text: string, mode: number): Promise<void> => {
  const draft = `${path}.${randomBytes(6).toString('hex')}`
  try {
    await writeFile(draft, text, { mode })
    await rename(draft, path)
  } finally {
    await rm(draft, { force: true })
  }
}

/** Does something while no other process does: they wait for each other, for ten seconds at most. */
const inTurn = async <T>(path: string, action: () => Promise<T>): Promise<T> => {
  for (let tries = 0; ; tries++) {
    try {
      const { release } = await takeLock(path, 'The folder of certificates')
      return await action().finally(release)
    } catch (cause) {
      if (!(cause instanceof Fault && cause.code === 'lock.held') || tries === 200) throw cause
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}
