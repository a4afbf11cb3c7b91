import { createHmac } from 'node:crypto'
import { Fault, reasonOf } from '#bus/fault'
import { isPrivate, publicLookup } from '../uploads/private-address.ts'
import { askWeb } from '../uploads/web-request.ts'
import { noticeFaults, type SendNotice } from './notice.ts'

export type WebhookOptions = {
  /** Whoever knows it can tell by the header `millrace-signature` that a notice is ours: `sha256=` and the HMAC of the body. */
  readonly key?: string | undefined
  /** Hosts that may be asked though they are private addresses, or resolve to such. */
  readonly privateHosts?: readonly string[]
}

/** For how long nothing may come or go, in milliseconds. */
const silence = 15_000

/**
 * Posts notices as JSON, under an `idempotency-key` that is the same however often it is sent. No redirect is followed. What lies in
 * the portal's own network can't be reached so, unless that is allowed by name.
 */
export const webhook =
  ({ key, privateHosts = [] }: WebhookOptions = {}): SendNotice =>
  async (notice, address, signal) => {
    const url = URL.parse(address)
    if (!url || !/^https?:$/.test(url.protocol)) throw noticeFaults.refused('The webhook', 'its address is none')
    const where = `The webhook at ${url.host}`
    const host = url.hostname.replace(/^\[|\]$/g, '')
    const isAllowed = privateHosts.includes(host)
    if (!isAllowed && isPrivate(host)) throw noticeFaults.refused(where, 'it is in a private network')
    const bytes = Buffer.from(JSON.stringify(notice))
    const headers = {
      'content-type': 'application/json; charset=utf-8',
      'idempotency-key': notice.id,
      ...(key !== undefined && {
        'millrace-signature': `sha256=${createHmac('sha256', key).update(bytes).digest('hex')}`,
      }),
    }
    const body = { bytes, length: bytes.length }
    const lookup = isAllowed ? undefined : publicLookup
    const { status } = await askWeb({
      method: 'POST',
      url,
      headers,
      body,
      signal,
      silence,
      ...(lookup && { lookup }),
    }).catch((cause: unknown) => {
      if (cause instanceof Fault) throw noticeFaults.refused(where, cause.message, cause)
      throw noticeFaults.unavailable(where, reasonOf(cause), cause)
    })
    if (status >= 200 && status < 300) return
    const said = `it answered ${status}`
    if (status >= 300 && status < 400)
      throw noticeFaults.refused(where, `${said}, a way to another place, which is not followed`)
    const isPassing = status >= 500 || [408, 425, 429].includes(status)
    throw isPassing ? noticeFaults.unavailable(where, said) : noticeFaults.refused(where, said)
  }
