import type { Context } from 'hono'
import { HTTPException } from 'hono/http-exception'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { z } from 'zod'
import { Fault, type FaultCode, reasonOf } from '#bus/fault'
import { mistakesAt } from '#contracts/all'
import { pagePolicy, prefersHtml, problemPage } from './page.ts'

/** Where every status is chosen. A fault that is not listed does not compile. */
const statusOf: Readonly<Record<FaultCode, ContentfulStatusCode>> = {
  'bus.unreachable': 503,
  'bus.no-owner': 503,
  'bus.timeout': 504,
  'bus.closed': 503,
  'bus.denied': 403,
  'bus.contended': 503,
  'bus.refused': 502,
  'bus.drift': 503,
  'bus.old-server': 503,
  'log.other': 503,
  'log.shorter': 503,
  'log.changed': 503,
  'contract.broken': 400,
  'contract.unknown': 400,
  'contract.too-large': 413,
  'host.twin': 409,
  'artifact.missing': 404,
  'artifact.changed': 409,
  'artifact.wrong': 502,
  'server.too-old': 503,
  'server.unusable': 503,
  'server.not-found': 503,
  'server.port-taken': 503,
  'server.exited': 503,
  'server.silent': 503,
  'server.own-key': 403,
  'lock.held': 503,
  'store.outside': 400,
  'store.away': 503,
  'store.no-folder': 500,
  'store.taken': 409,
  'store.foreign': 409,
  'store.missing': 404,
  'store.unwatchable': 500,
  'store.unknown': 404,
  'store.no-cards': 400,
  'store.read-only': 409,
  'resource.failed': 502,
  'resource.silent': 504,
  'config.unreadable': 500,
  'config.empty': 500,
  'config.bad': 500,
  'config.folder': 400,
  'config.state': 500,
  'config.not-installed': 500,
  'card.invalid': 400,
  'action.no-program': 500,
  'projection.behind': 504,
  'projection.halted': 503,
  'projection.foreign': 500,
  'projection.rebuilding': 503,
  'projection.busy': 503,
  'query.broken': 400,
  'query.other-log': 400,
  'query.bad-cursor': 400,
  'query.nothing': 404,
  'web.port-taken': 500,
  'web.exposed': 500,
  'web.bad-tokens': 500,
  'web.unknown-user': 401,
  'web.no-secrets': 501,
  'web.forbidden': 403,
  'web.misdirected': 421,
}

/** What others answer a request with that is passed on to them. */
const statusOfOthers: Readonly<Record<string, ContentfulStatusCode>> = { 'vault.denied': 403 }

/** What every answer that is no success looks like: RFC 9457. */
export const problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z.string().describe('For programs; never changes'),
  errors: z
    .array(z.object({ field: z.string(), message: z.string() }))
    .optional()
    .describe('Each field that is wrong, by its path'),
})

type Problem = z.output<typeof problem>
type Answered = Response | Promise<Response>

const titles: Readonly<Record<number, string>> = {
  400: 'The request is not understood',
  401: 'Nobody is known here by that',
  403: 'Not allowed',
  404: 'Not there',
  405: 'Not a method for this',
  409: 'Refused',
  413: 'Too large',
  415: 'Not in a form that is understood: send JSON',
  421: 'Not the server for this',
  500: 'Something broke',
  501: 'Not done by this server',
  502: 'Somebody behind this server answered wrongly',
  503: 'Not possible at the moment',
  504: 'It took too long',
}

/** Says it to programs as a problem, and to browsers as a page; below `/api` everybody is a program. */
const problemAs = (
  c: Context,
  status: ContentfulStatusCode,
  code: string,
  detail: string,
  errors?: Problem['errors'],
): Answered => {
  const title = titles[status] ?? 'The request failed'
  if (status === 401) c.header('WWW-Authenticate', 'Bearer')
  if (['GET', 'HEAD'].includes(c.req.method) && !c.req.path.startsWith('/api/') && prefersHtml(c)) {
    c.header('Content-Security-Policy', pagePolicy)
    c.header('Vary', 'Accept')
    return c.html(problemPage(title, detail), status)
  }
  const body: Problem = { type: `urn:millrace:problem:${code}`, title, status, detail, code, ...(errors && { errors }) }
  return c.body(JSON.stringify(body), status, { 'Content-Type': 'application/problem+json' })
}

/** Answers for whatever was thrown. What is no fault is nobody's business but the log's. */
export const onError =
  (say: (line: string) => void = () => undefined) =>
  (cause: Error, c: Context): Answered => {
    if (cause instanceof Fault) {
      const known: typeof statusOfOthers = { ...statusOf, ...statusOfOthers }
      return problemAs(c, known[cause.code] ?? 500, cause.code, cause.message, errorsIn(cause.cause))
    }
    if (cause instanceof HTTPException) {
      for (const [header, value] of cause.res?.headers ?? []) c.header(header, value)
      return problemAs(c, cause.status as ContentfulStatusCode, 'http', cause.message)
    }
    say(`${c.req.method} ${c.req.path} broke: ${cause.stack ?? reasonOf(cause)}`)
    return problemAs(c, 500, 'broken', 'This server failed; its output says more')
  }

/** Answers where nothing is. */
export const notFound = (c: Context): Answered => problemAs(c, 404, 'query.nothing', `There is no ${c.req.path}`)

/** Answers where a decider said no: to whoever may not ask it at all, or to what can't be at the moment. */
export const refused = (c: Context, { refusal, detail }: { readonly refusal: string; readonly detail: string }) =>
  problemAs(c, refusal === 'not-allowed' ? 403 : 409, `refused.${refusal}`, detail)

/** Answers where a body is not as its schema has it. */
export const invalid = (c: Context, issues: readonly z.core.$ZodIssue[]): Answered =>
  problemAs(c, 400, 'contract.broken', 'The request breaks its contract', errorsIn(issues))

/** The fields that a schema complained of. */
const errorsIn = (issues: unknown): Problem['errors'] => (Array.isArray(issues) ? mistakesAt(issues) : undefined)
