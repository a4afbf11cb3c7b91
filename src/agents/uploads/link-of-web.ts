import { badLink, decoded, type ReadLink } from './bad-link.ts'

export type WebDavLogin = { readonly user: string; readonly password: string }

/** What stands in the query of an address that somebody has signed: of Amazon and who is like it, of Google, and of Azure. */
const signatures = ['x-amz-signature', 'x-goog-signature', 'signature', 'sig']

/** A signed address: all of it is secret but its host. */
export const readWebLink = (written: string): ReadLink => {
  const url = parsed(written)
  if (url.username !== '' || url.password !== '')
    throw badLink('a signed address holds no user', 'Expected webdav+https:// where WebDAV is meant')
  const names = [...url.searchParams.keys()].map((name) => name.toLowerCase())
  if (!signatures.some((signature) => names.includes(signature)))
    throw badLink(
      'its address is not signed',
      'Expected one with X-Amz-Signature, X-Goog-Signature, Signature or sig in it; or webdav+https:// where WebDAV is meant',
    )
  return { link: { kind: 'signed-url', host: url.host }, secret: url.href }
}

/** A folder of a WebDAV server: user and password are secret. */
export const readWebDav = (written: string): ReadLink => {
  const url = parsed(written)
  if (url.search !== '' || url.hash !== '')
    throw badLink('behind its folder there is a ? or a #', 'Expected webdav+https://user:password@host/folder')
  const login: WebDavLogin | undefined =
    url.username === '' ? undefined : { user: decoded(url.username), password: decoded(url.password) }
  if (login?.user.includes(':')) throw badLink('its user holds a :', 'Basic login has no way to say that')
  url.username = ''
  url.password = ''
  return { link: { kind: 'webdav', url: url.href }, ...(login && { secret: JSON.stringify(login) }) }
}

const parsed = (written: string): URL => {
  const url = URL.parse(written)
  if (url === null || url.hostname === '') throw badLink('its address can not be read')
  return url
}
