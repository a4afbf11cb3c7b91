import type { z } from 'zod'
import { type CloudLink, cloudLink } from '#contracts/cloud-link'
import { badLink, decoded, type OpenLink, type ReadLink } from './bad-link.ts'
import { readWebDav, readWebLink } from './link-of-web.ts'

export type S3Keys = { readonly accessKeyId: string; readonly secretAccessKey: string }

/** Takes a link apart that somebody has written. Whatever is wrong is told by what was expected: nothing of the link is repeated. */
export const linkOf = (text: string): ReadLink => {
  const written = text.trim()
  if (written.length > 8_000) throw badLink('it is longer than 8000 characters')
  const [, scheme = ''] = /^([a-z0-9+]+):/i.exec(written) ?? []
  const { link, secret } = readAs(scheme.toLowerCase(), written)
  const checked = cloudLink.safeParse({ ...link, ...(needsKey(link) && { secret: 'key' }) })
  if (!checked.success) throw badLink(wordsOf(checked.error))
  const { secret: _, ...open } = checked.data as CloudLink & { readonly secret?: string }
  return { link: open as OpenLink, ...(secret !== undefined && { secret }) }
}

/** A link whose secret has been put away under a key. */
export const withSecret = (link: OpenLink, key: string | undefined): CloudLink =>
  cloudLink.parse(key === undefined ? link : { ...link, secret: key })

const needsKey = ({ kind }: OpenLink): boolean => kind === 'signed-url'

const wordsOf = ({ issues }: z.ZodError): string =>
  issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ')

const readAs = (scheme: string, written: string): ReadLink => {
  switch (scheme) {
    case 's3':
      return readS3(written)
    case 'https':
    case 'http':
      return readWebLink(written)
    case 'webdav+https':
    case 'webdav+http':
      return readWebDav(written.slice('webdav+'.length))
    case 'directory':
      return readDirectory(written.slice('directory:'.length))
    default:
      throw badLink('it begins with nothing that is known here')
  }
}

/** By hand, as a secret access key may hold a `/`, which no address can. */
const readS3 = (written: string): ReadLink => {
  const [place = '', ...rest] = written.slice('s3://'.length).split('?')
  const [, access, hidden, bucket = '', prefix = ''] = /^(?:([^:@/]+):([^@]+)@)?([^/@:]+)(?:\/(.*))?$/.exec(place) ?? []
  if (!/^s3:\/\//i.test(written) || bucket === '')
    throw badLink('behind s3:// there is no bucket', 'Expected s3://ACCESS:SECRET@bucket/prefix, an @ in SECRET as %40')
  const query = new URLSearchParams(rest.join('?'))
  for (const name of query.keys())
    if (name !== 'endpoint' && name !== 'region')
      throw badLink('it says more than endpoint and region behind its ?', 'Leave that out')
  const [endpoint, region] = [query.get('endpoint') ?? undefined, query.get('region') ?? undefined]
  if (endpoint !== undefined && !isPlain(endpoint))
    throw badLink('its endpoint is no plain address', 'Expected https://host:port alone')
  const keys: S3Keys | undefined =
    access !== undefined && hidden !== undefined
      ? { accessKeyId: decoded(access), secretAccessKey: decoded(hidden) }
      : undefined
  return {
    link: {
      kind: 's3',
      bucket,
      prefix: trimmed(decoded(prefix)),
      ...(endpoint && { endpoint }),
      ...(region && { region }),
    },
    ...(keys && { secret: JSON.stringify(keys) }),
  }
}

/** Whether an address holds nothing but where a server is. */
const isPlain = (address: string): boolean => {
  const url = URL.parse(address)
  return url !== null && /^https?:$/.test(url.protocol) && !url.username && !url.password && !url.search && !url.hash
}

const readDirectory = (written: string): ReadLink => {
  const expected = "Expected directory:some/folder, below the portal's folder for such"
  if (written.startsWith('/')) throw badLink('its folder begins with /', expected)
  const path = trimmed(written)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  if (path === '' || /[\x00-\x1f\x7f\\]/.test(path) || path.split('/').some((part) => /^\.{0,2}$/.test(part)))
    throw badLink('its folder is none', expected)
  return { link: { kind: 'directory', path } }
}

const trimmed = (path: string): string => path.replace(/^\/+|\/+$/g, '')
