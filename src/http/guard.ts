import type { Context, MiddlewareHandler } from 'hono'
import { faults } from '#bus/fault'

/** Names of this machine for itself: a page elsewhere can make a browser come here under any other. */
export const loopback = ['localhost', '127.0.0.1', '[::1]'] as const

const headers = {
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'X-Frame-Options': 'DENY',
} as const

/** What an answer may do in a browser unless it says otherwise: nothing. */
const harmless = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

/** Says of every answer, also of a refusal, what a browser may do with it. */
export const harmlessly: MiddlewareHandler = async (c, next) => {
  await next()
  for (const [header, value] of Object.entries(headers)) c.res.headers.set(header, value)
  if (!c.res.headers.has('Content-Security-Policy')) c.res.headers.set('Content-Security-Policy', harmless)
  if (!c.res.headers.has('Cache-Control')) c.res.headers.set('Cache-Control', 'no-store')
}

/**
 * Lets in who asked for this server by one of its names, and, for whatever changes something or streams, only pages of
 * this server itself. Programs that send no `Origin` are no browsers, and are let in.
 */
export const guard =
  (names: readonly string[]): MiddlewareHandler =>
  async (c, next) => {
    for (const host of hostsOf(c)) if (!isNamed(names, host)) throw faults.misdirected(host)
    const { method, path } = c.req
    if (!['GET', 'HEAD'].includes(method) || path === '/api/events' || path.endsWith('/logs')) sameOrigin(c)
    await next()
  }

const sameOrigin = (c: Context): void => {
  const origin = c.req.header('Origin')
  const site = c.req.header('Sec-Fetch-Site')
  const { host } = new URL(c.req.url)
  if (origin !== undefined && (!URL.canParse(origin) || new URL(origin).host !== host))
    throw faults.forbidden(`A page of ${origin} may not ask for this`)
  if (site !== undefined && site !== 'same-origin' && site !== 'none')
    throw faults.forbidden('A page of another site may not ask for this')
}

/** Both places where a request names its host; a request that names two must mean one of ours by each. */
const hostsOf = (c: Context): readonly string[] => {
  const said = c.req.header('Host')
  return [new URL(c.req.url).host, ...(said === undefined ? [] : [said])]
}

/** Whether a host, with a port or without, is one of these names. */
export const isNamed = (names: readonly string[], host: string): boolean =>
  names.includes(host.toLowerCase().replace(/:\d+$/, ''))

/** The names of a server that listens at an address. */
export const namesAt = (host: string): readonly string[] => [...loopback, written(host).toLowerCase()]

/** An address as it stands in a URL. */
export const written = (host: string): string => (host.includes(':') && !host.startsWith('[') ? `[${host}]` : host)
