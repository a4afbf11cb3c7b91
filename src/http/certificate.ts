import { isIP } from 'node:net'
import { join } from 'node:path'
import { ensureAuthority, certificateFor as issue } from '#bus/certs'
import { nameFrom } from '#contracts/names'

/** What a TLS server needs, and the file that its visitors may trust. */
export type Certificate = {
  readonly key: string
  readonly cert: string
  readonly caPath: string
  readonly expires: Date
}

/**
 * The certificate of a host, signed by a local authority. Both are made where they are missing, and the certificate again
 * before it expires; several processes with one state folder share the authority.
 */
export const certificateFor = async (stateDir: string, host: string, now = new Date()): Promise<Certificate> => {
  const folder = join(stateDir, 'tls')
  const authority = await ensureAuthority(folder, now)
  const wanted = [...new Set(['localhost', '127.0.0.1', '::1', host.replace(/^\[|\]$/g, '')])]
  const { key, cert, expires } = await issue(
    authority,
    {
      called: `host-${nameFrom(host)}`,
      names: wanted.filter((name) => !isIP(name)),
      addresses: wanted.filter((name) => isIP(name)),
    },
    now,
  )
  return { key, cert, caPath: join(folder, 'ca.pem'), expires }
}
