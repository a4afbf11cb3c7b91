import { createHash, randomBytes } from 'node:crypto'
import { createRoute, z } from '@hono/zod-openapi'
import type { Context, MiddlewareHandler } from 'hono'
import { deleteCookie, getCookie, setCookie } from 'hono/cookie'
import { faults } from '#bus/fault'
import { exact } from '#contracts/fields'
import { problem } from './problem.ts'
import type { App, Asking, Site } from './site.ts'
import type { Tokens } from './tokens.ts'
import { json } from './writes.ts'

/** For how long a console stays signed in, in milliseconds, and how many may be. */
const lasts = 12 * 3_600_000
const mostSessions = 10_000

type Session = { readonly name: string; readonly sha256: string; readonly until: number }

/** Who is signed in. Kept in memory alone: whoever was signed in before a restart signs in again. */
export const sessionsOf = (tokens: Tokens | undefined) => {
  const sessions = new Map<string, Session>()
  const keyOf = (id: string): string => createHash('sha256').update(id).digest('hex')
  return {
    begin: (known: Pick<Session, 'name' | 'sha256'>): string => {
      const id = randomBytes(32).toString('base64url')
      const [oldest] = sessions.keys()
      if (sessions.size >= mostSessions && oldest !== undefined) sessions.delete(oldest)
      sessions.set(keyOf(id), { name: known.name, sha256: known.sha256, until: Date.now() + lasts })
      return id
    },
    /** Who is signed in so; a token that was taken away ends what was begun with it. */
    nameOf: (id: string): string | undefined => {
      const found = sessions.get(keyOf(id))
      if (found && found.until > Date.now() && tokens?.holds(found)) return found.name
      sessions.delete(keyOf(id))
      return undefined
    },
    end: (id: string): void => void sessions.delete(keyOf(id)),
  }
}
type Sessions = ReturnType<typeof sessionsOf>

/** A browser sends it to this host over TLS alone, and for no other site's sake. */
const cookie = { name: 'millrace', how: { prefix: 'host', httpOnly: true, sameSite: 'Strict', secure: true } } as const

/**
 * What is shown to whoever comes: that this server lives, what can be asked of it, and the console, which shows nothing by itself:
 * there one signs in. A browser that follows a link from elsewhere sends no cookie for the page, only for what that then asks.
 */
const isOpen = (path: string): boolean =>
  ['/', '/health', '/ready', '/openapi.json', '/api/session'].includes(path) || /^\/(console|runs)\//.test(path)

/**
 * Says of each request who asks: whoever holds its token, or is signed in with its cookie. Where there are no tokens, it is always
 * the server's user. A token that nobody has is refused, whatever cookie comes with it.
 */
export const identified =
  ({ user, tokens }: Pick<Site, 'user' | 'tokens'>, sessions: Sessions): MiddlewareHandler<Asking> =>
  async (c, next) => {
    const name = tokens ? nameIn(c, tokens, sessions) : user
    if (name !== undefined) c.set('user', name)
    else if (!isOpen(c.req.path))
      throw faults.unknownUser('Say who asks: send a token as Authorization: Bearer <token>, or sign in at /')
    await next()
  }

const nameIn = (c: Context, tokens: Tokens, sessions: Sessions): string | undefined => {
  const said = c.req.header('Authorization')
  if (said !== undefined) {
    const [, token] = /^Bearer +([^\s]+)$/i.exec(said) ?? []
    const found = token === undefined ? undefined : tokens.holderOf(token)
    if (!found) throw faults.unknownUser('Nobody is known here by that token. Ask whoever keeps this server for one')
    return found.name
  }
  const id = getCookie(c, cookie.name, cookie.how.prefix)
  return id === undefined ? undefined : sessions.nameOf(id)
}

const signedIn = z.object({ name: z.string() })

const session = createRoute({
  method: 'get',
  path: '/api/session',
  operationId: 'session',
  summary: 'Who is signed in, if anybody is, and whether that takes a token here',
  responses: {
    200: {
      description: 'Who asks',
      content: {
        'application/json': {
          schema: z.object({ name: z.string().nullable(), tokens: z.boolean().describe('Whether it takes a token') }),
        },
      },
    },
  },
})

const signIn = createRoute({
  method: 'post',
  path: '/api/session',
  operationId: 'signIn',
  summary: 'Sign in with a token: a cookie stands for it from then on',
  request: { body: json(exact({ token: z.string().min(1).max(1_000) })) },
  responses: {
    200: { description: 'Who is signed in', content: { 'application/json': { schema: signedIn } } },
    default: { description: 'A problem', content: { 'application/problem+json': { schema: problem } } },
  },
})

const signOut = createRoute({
  method: 'delete',
  path: '/api/session',
  operationId: 'signOut',
  summary: 'Sign out',
  responses: { 204: { description: 'Nobody is signed in here any more' } },
})

/** Signing in and out, for browsers. */
export const addSession = (app: App, { user, tokens }: Pick<Site, 'user' | 'tokens'>, sessions: Sessions): void => {
  app.openapi(session, (c) => {
    const name = c.var.user as string | undefined
    return c.json({ name: name ?? null, tokens: tokens !== undefined }, 200)
  })
  app.openapi(signIn, (c) => {
    if (!tokens) return c.json({ name: user }, 200)
    const found = tokens.holderOf(c.req.valid('json').token)
    if (!found) throw faults.unknownUser('Nobody is known here by that token. Ask whoever keeps this server for one')
    setCookie(c, cookie.name, sessions.begin(found), { ...cookie.how, path: '/', maxAge: lasts / 1_000 })
    return c.json({ name: found.name }, 200)
  })
  app.openapi(signOut, (c) => {
    const id = getCookie(c, cookie.name, cookie.how.prefix)
    if (id !== undefined) sessions.end(id)
    deleteCookie(c, cookie.name, { ...cookie.how, path: '/' })
    return c.body(null, 204)
  })
}
