import type { RequestOptions } from 'node:http'
import type { CloudLink } from '#contracts/cloud-link'
import { isPrivate, publicLookup } from './private-address.ts'
import { uploadFaults } from './upload-faults.ts'

/** What results may be sent to from the portal's machine, beside hosts that everybody can reach. */
export type Reach = {
  /** Hosts that may be sent to though they are private addresses, or resolve to such. */
  readonly privateHosts: readonly string[]
  /** Whether links to S3 may go without keys: then the portal's own are shown, for any bucket that somebody names. */
  readonly ownKeys: boolean
}

/** How the host of a link is looked up: what is in a private network is not found, unless it is allowed by name. */
export const lookupOf = (link: CloudLink, { privateHosts, ownKeys }: Reach): RequestOptions['lookup'] | undefined => {
  if (link.kind === 's3' && link.secret === undefined && !ownKeys)
    throw uploadFaults.refused(
      `s3://${link.bucket}`,
      'be reached',
      'the link has no keys, and the portal does not lend its own',
      'Set it as s3://ACCESS:SECRET@bucket/prefix, and retry',
    )
  const host = hostOf(link)
  if (host === undefined || privateHosts.includes(host)) return undefined
  if (isPrivate(host))
    throw uploadFaults.refused(
      host,
      'be reached',
      "it is in a private network, which the portal's file does not allow by name (uploads.privateHosts)",
    )
  return publicLookup
}

/** The host that is spoken to; undefined where none is, or the one of S3 itself. */
const hostOf = (link: CloudLink): string | undefined => {
  switch (link.kind) {
    case 'directory':
      return undefined
    case 's3':
      return link.endpoint === undefined ? undefined : nameIn(link.endpoint)
    case 'webdav':
      return nameIn(link.url)
    case 'signed-url':
      return nameIn(`https://${link.host}`)
  }
}

const nameIn = (address: string): string => new URL(address).hostname.replace(/^\[|\]$/g, '')
