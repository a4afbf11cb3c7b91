import { Fault } from '#bus/fault'
import type { CloudLink } from '#contracts/cloud-link'

type WithoutSecret<Link> = Link extends unknown ? Omit<Link, 'secret'> : never

/** A cloud link without the key of its secret. */
export type OpenLink = WithoutSecret<CloudLink>

/** What a link says in the open, and what of it is to be put away. */
export type ReadLink = { readonly link: OpenLink; readonly secret?: string }

/** What a link can be, for whoever wrote something else. */
const forms =
  's3://ACCESS:SECRET@bucket/prefix?endpoint=https://…&region=…, a signed https:// address, webdav+https://user:password@host/folder, or directory:some/folder'

/** What a link should have been. Never holds what was written: that may be secret. */
export const badLink = (problem: string, expected = `Expected ${forms}`): Fault =>
  new Fault('link.bad', `This is no link for results: ${problem}. ${expected}`)

/** What stands behind the % of an address. */
export const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    throw badLink('a % in it is followed by no code', 'Write a % as %25')
  }
}
