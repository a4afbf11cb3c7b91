import { createPrivateKey, KeyObject, X509Certificate as Parsed, randomBytes } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Fault } from './fault.ts'
import { inTurn, textOf, writeWhole } from './files.ts'

/** A local certificate authority: it signs for the machines that trust its `ca.pem`. */
export type Authority = {
  /** Where it lies, and where the certificates that it signs are kept. */
  readonly folder: string
  /** PEM, as `ca.pem` holds it. */
  readonly certificate: string
  /** PEM, as `ca-key.pem` holds it; it never leaves this machine. */
  readonly key: string
}

/** Who a certificate is good for. */
export type Subjects = { readonly names: readonly string[]; readonly addresses: readonly string[] }

/** What a TLS server needs. `path` is one file with key, certificate and authority, so that they are never of two makings. */
export type Certificate = Subjects & {
  readonly key: string
  readonly cert: string
  readonly path: string
  readonly expires: Date
}

const day = 86_400_000
const lifetime = { authority: 3650 * day, leaf: 397 * day }
/** A certificate is made anew when it is good for less than this. */
const renewedWithin = 30 * day

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const { subtle } = globalThis.crypto

/** The library that writes certificates, and what it needs; loaded only by whoever writes or reads one. */
const x509Library = async () => {
  await import('reflect-metadata')
  return import('@peculiar/x509')
}

/** The authority of a folder. It is made once; afterwards it is read, for every machine trusts this one. */
export const ensureAuthority = (folder: string, now = new Date()): Promise<Authority> =>
  inTurn(folder, async () => {
    const [certificate, key] = await Promise.all(['ca.pem', 'ca-key.pem'].map((name) => textOf(join(folder, name))))
    // A key alone, which has signed nothing yet, is what a kill left: the certificate is written after it.
    if (certificate === undefined && (key === undefined || !(await hasLeaves(folder))))
      return makeAuthority(folder, now)
    if (!certificate || !key || !belongTogether(certificate, key))
      throw new Fault(
        'config.authority',
        `ca.pem and ca-key.pem in ${folder} are not one authority. Restore the missing one, or remove both to begin anew: every machine then needs a new file`,
      )
    return { folder, certificate, key }
  })

const hasLeaves = async (folder: string): Promise<boolean> =>
  (await readdir(folder)).some((name) => name.endsWith('.pem') && !name.startsWith('ca'))

/** Says whether an authority has been made in a folder. */
export const hasAuthority = async (folder: string): Promise<boolean> =>
  (await textOf(join(folder, 'ca.pem'))) !== undefined

/**
 * A certificate that the authority signed, kept in its folder as `<called>.pem`. It is made anew where there is none,
 * where it is not good for everybody who is asked for, and where it expires soon. Whom it was good for stays in it.
 */
export const certificateFor = (
  authority: Authority,
  { called, names, addresses }: Subjects & { readonly called: string },
  now = new Date(),
): Promise<Certificate> =>
  inTurn(authority.folder, async () => {
    const path = join(authority.folder, `${called}.pem`)
    const kept = await keptIn(path, (await textOf(path)) ?? '', authority)
    const wanted = {
      names: [...new Set([...names, ...(kept?.names ?? [])])],
      addresses: [...new Set([...addresses, ...(kept?.addresses ?? [])])],
    }
    const complete = wanted.names.length === kept?.names.length && wanted.addresses.length === kept?.addresses.length
    if (kept && complete && kept.expires.getTime() - now.getTime() > renewedWithin) return kept
    const made = await makeLeaf(path, authority, wanted, now)
    await writeWhole(path, `${made.key}\n${made.cert}\n`, 0o600)
    return made
  })

const makeAuthority = async (folder: string, now: Date): Promise<Authority> => {
  const x509 = await x509Library()
  const keys = await subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const made = await x509.X509CertificateGenerator.createSelfSigned({
    ...about(now, new Date(now.getTime() + lifetime.authority)),
    name: 'CN=Millrace local authority',
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  const [certificate, key] = [made.toString('pem'), pemOf(keys.privateKey)]
  await writeWhole(join(folder, 'ca-key.pem'), `${key}\n`, 0o600)
  await writeWhole(join(folder, 'ca.pem'), `${certificate}\n`, 0o644)
  return { folder, certificate, key }
}

const makeLeaf = async (
  path: string,
  authority: Authority,
  { names, addresses }: Subjects,
  now: Date,
): Promise<Certificate> => {
  const x509 = await x509Library()
  const issuer = new x509.X509Certificate(authority.certificate)
  const keys = await subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const pkcs8 = createPrivateKey(authority.key).export({ type: 'pkcs8', format: 'der' })
  const expires = new Date(Math.min(now.getTime() + lifetime.leaf, issuer.notAfter.getTime()))
  const made = await x509.X509CertificateGenerator.create({
    ...about(now, expires),
    subject: `CN=${(names[0] ?? addresses[0] ?? 'millrace').replaceAll(/[^\w .-]/g, '-')}`,
    issuer: issuer.subject,
    publicKey: keys.publicKey,
    signingKey: await subtle.importKey('pkcs8', pkcs8, algorithm, false, ['sign']),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension([
        ...names.map((value) => ({ type: 'dns', value }) as const),
        ...addresses.map((value) => ({ type: 'ip', value }) as const),
      ]),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(issuer),
    ],
  })
  const cert = `${made.toString('pem')}\n${authority.certificate.trim()}`
  return { key: pemOf(keys.privateKey), cert, path, names, addresses, expires: made.notAfter }
}

const about = (now: Date, notAfter: Date) => ({
  serialNumber: `01${randomBytes(15).toString('hex')}`,
  notBefore: new Date(now.getTime() - day), // Clocks differ.
  notAfter,
  signingAlgorithm: algorithm,
})

/** The certificate in a file; undefined where it is broken, or where another authority signed it. */
const keptIn = async (path: string, text: string, authority: Authority): Promise<Certificate | undefined> => {
  try {
    const cert = text.slice(text.indexOf('-----BEGIN CERTIFICATE-----')).trim()
    const parsed = new Parsed(cert)
    const key = /-----BEGIN PRIVATE KEY-----[^-]+-----END PRIVATE KEY-----/.exec(text)?.[0] ?? ''
    const issuer = new Parsed(authority.certificate)
    if (!parsed.checkPrivateKey(createPrivateKey(key)) || !parsed.verify(issuer.publicKey)) return undefined
    const x509 = await x509Library()
    const said =
      new x509.X509Certificate(parsed.raw).getExtension(x509.SubjectAlternativeNameExtension)?.names.items ?? []
    const of = (type: string) => said.filter((one) => one.type === type).map(({ value }) => value)
    return { key, cert, path, names: of('dns'), addresses: of('ip'), expires: parsed.validToDate }
  } catch {
    return undefined
  }
}

const belongTogether = (certificate: string, key: string): boolean => {
  try {
    return new Parsed(certificate).checkPrivateKey(createPrivateKey(key))
  } catch {
    return false
  }
}

const pemOf = (key: CryptoKey): string =>
  KeyObject.from(key).export({ type: 'pkcs8', format: 'pem' }).toString().trimEnd()
