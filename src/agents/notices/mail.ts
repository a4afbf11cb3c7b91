import { createHash } from 'node:crypto'
import { createTransport } from 'nodemailer'
import { orAborted } from '#bus/abort'
import { Fault, reasonOf } from '#bus/fault'
import { noticeFaults, type SendNotice } from './notice.ts'

export type MailOptions = {
  /** `smtp://host:port` or `smtps://…`, with user and password where the server wants them. */
  readonly smtp: string
  /** Whose mail it is: one address. */
  readonly from: string
}

/** How long a server may take to answer at first, and later on, in milliseconds. */
const [greetsWithin, silence] = [10_000, 20_000]

/**
 * Sends notices as mail: plain text alone, under a Message-ID that is the same however often it is sent. A password goes over TLS
 * only, but for a server on this machine. Throws where the settings are none.
 */
export const mailer = ({ smtp, from }: MailOptions): SendNotice => {
  const url = URL.parse(smtp)
  const domain = /^[^\s@<>]+@([\w.-]+)$/.exec(from)?.[1]
  if (!url || !/^smtps?:$/.test(url.protocol) || url.hostname === '' || domain === undefined)
    throw new Fault('notice.settings', 'Mail needs smtp://host:port or smtps://host:port, and the address it is from')
  const where = `The mail server ${url.host}`
  const isHere = /^(localhost|127\..*|\[::1\])$/.test(url.hostname)
  const auth = url.username && { user: decodeURIComponent(url.username), pass: decodeURIComponent(url.password) }
  const secure = url.protocol === 'smtps:'
  const transport = createTransport({
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: Number(url.port) || (secure ? 465 : 587),
    secure,
    requireTLS: Boolean(auth) && !secure && !isHere,
    ...(auth && { auth }),
    ...{ connectionTimeout: greetsWithin, greetingTimeout: greetsWithin, socketTimeout: silence },
    ...{ disableFileAccess: true, disableUrlAccess: true },
  })

  return async ({ id, subject, text }, to, signal) => {
    const messageId = `<${createHash('sha256').update(id).digest('hex').slice(0, 40)}@${domain}>`
    const headers = { 'auto-submitted': 'auto-generated' }
    try {
      await orAborted(
        transport.sendMail({ messageId, from, to: { name: '', address: to }, subject, text, headers }),
        signal,
      )
    } catch (cause) {
      const { responseCode = 0, code } = cause as { readonly responseCode?: number; readonly code?: string }
      const said = `${reasonOf(cause).replaceAll(to, 'the address').slice(0, 500)}`
      // A login that is refused is the portal's mistake, not that of whom the mail is for.
      if (responseCode >= 500 && code !== 'EAUTH') throw noticeFaults.refused(where, said, cause)
      throw noticeFaults.unavailable(where, said, cause)
    }
  }
}
