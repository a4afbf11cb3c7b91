import { z } from '@hono/zod-openapi'
import type { SSEStreamingApi } from 'hono/streaming'
import type { Printed } from '#bus/bus'
import { exact } from '#contracts/fields'
import type { Printers } from '#contracts/subjects'
import { checked, digits } from './asked.ts'
import { eventStream } from './event-stream.ts'
import { type Chosen, choice, line, linesOf, params, type ShownLine, textOf } from './log-lines.ts'
import { problem } from './problem.ts'
import { type App, positionHeader, type Site } from './site.ts'

/** How much one answer holds at most: lines, and characters of them. */
const mostLines = 10_000
const mostText = 4_000_000

/** Where in what was printed an answer begins, and how much of it there is. */
const span = {
  after: digits.optional().describe('Where an earlier answer ended'),
  tail: digits.optional().describe('Only the last lines, so many; all unless said'),
}
type Wanted = Chosen & { readonly after?: number | undefined; readonly tail?: number | undefined }

/** Whose output can be read at an address, and what of it. */
type Printing<Params extends z.ZodObject, Choice extends z.ZodObject> = {
  readonly path: string
  readonly operationId: string
  readonly summary: string
  readonly params: Params
  readonly choice: Choice
  /** Who prints, by what the address and the query say; refuses whoever may not hear it. */
  readonly of: (params: z.output<Params>, choice: z.output<Choice>, user: string) => Printers
}

/** What nodes of a run printed. */
export const addLogs = (app: App, site: Site): void =>
  addPrinted(app, site, {
    path: '/api/runs/{pipeline}/{run}/logs',
    operationId: 'logs',
    summary: 'What nodes of a run printed; asked for as text/event-stream, it goes on as they print',
    params,
    choice,
    of: ({ pipeline, run }, { node }) => ({ scope: pipeline, key: String(run), part: node }),
  })

/** What was printed: what there is now; or, as server-sent events, all of it and then what comes. */
export const addPrinted = <Params extends z.ZodObject, Choice extends z.ZodObject>(
  app: App,
  site: Site,
  { path, operationId, summary, params: inPath, choice: chosen, of: printersOf }: Printing<Params, Choice>,
): void => {
  const { bus, signal, heartbeat = 15_000 } = site
  const query = exact({ ...chosen.shape, ...span })
  app.openAPIRegistry.registerPath({
    method: 'get',
    path,
    operationId,
    summary,
    request: { params: inPath, query },
    responses: {
      200: {
        description: 'Lines, oldest first, and where to go on; null where there is no more for now',
        content: {
          'application/json': { schema: z.object({ lines: z.array(line), next: z.int().nullable() }) },
          'text/plain': { schema: z.string() },
          'text/event-stream': { schema: line },
        },
      },
      default: { description: 'A problem', content: { 'application/problem+json': { schema: problem } } },
    },
  })

  app.get(path.replaceAll(/\{(\w+)\}/g, ':$1'), async (c) => {
    const said = checked('logs', inPath, c.req.param())
    const wanted = checked('logs', query, c.req.query()) as Wanted & z.output<Choice>
    const of = printersOf(said, wanted, c.var.user)
    c.header(positionHeader, site.viewer.follower.now().position)
    c.header('Vary', 'Accept')
    const accept = c.req.header('Accept') ?? ''
    if (accept.includes('text/event-stream')) {
      const last = c.req.header('Last-Event-ID')
      const after = last !== undefined && /^\d{1,15}$/.test(last) ? Number(last) : wanted.after
      return eventStream(c, signal, (sse, ending) => live(sse, { bus, of, wanted, after, heartbeat, signal: ending }))
    }
    const { lines, next } = await read({ bus, of, wanted, signal })
    if (!accept.includes('text/plain')) return c.json({ lines, next })
    return c.text(textOf(lines))
  })
}

type Reading = {
  readonly bus: Site['bus']
  readonly of: Printers
  readonly wanted: Wanted
  readonly signal: AbortSignal
}

/** What was printed by now: from a place on as far as one answer goes, or the last lines; and the last place that was looked at. */
const read = async ({ bus, of, wanted, signal }: Reading) => {
  const full = new AbortController()
  let lines: ShownLine[] = []
  let size = 0
  let next: number | null = null
  let seen: number | undefined
  const take = (some: readonly Printed[]): void => {
    for (const printed of some) {
      if (full.signal.aborted) return
      seen = printed.place
      const shown = linesOf(printed, wanted)
      lines.push(...shown)
      size += shown.reduce((sum, { text }) => sum + text.length, 0)
      if (wanted.tail !== undefined) {
        if (lines.length > 2 * wanted.tail + mostLines) lines = lines.slice(-wanted.tail)
      } else if (lines.length >= mostLines || size >= mostText) {
        next = printed.place
        full.abort()
      }
    }
  }
  const options = { live: false, signal: AbortSignal.any([signal, full.signal]) }
  await bus.printed(of, take, wanted.after === undefined ? options : { ...options, after: wanted.after })
  return { lines: wanted.tail === undefined ? lines : wanted.tail === 0 ? [] : lines.slice(-wanted.tail), next, seen }
}

/** Sends what was printed, then what comes; each event is the lines of one place, by which a reader comes back. */
const live = async (
  sse: SSEStreamingApi,
  {
    bus,
    of,
    wanted,
    after,
    heartbeat,
    signal,
  }: Reading & { readonly after: number | undefined; readonly heartbeat: number },
): Promise<void> => {
  const beat = setInterval(() => void sse.write(': alive\n\n').catch(() => undefined), heartbeat)
  const send = async (some: readonly Printed[]): Promise<void> => {
    for (const printed of some) {
      const lines = linesOf(printed, wanted)
      if (lines.length > 0)
        await sse.writeSSE({ id: String(printed.place), event: 'lines', data: JSON.stringify(lines) })
    }
  }
  try {
    await sse.write('retry: 1000\n\n')
    // Whoever wants the last lines only is sent those, and then what comes.
    const first = wanted.tail === undefined || after !== undefined ? undefined : await read({ bus, of, wanted, signal })
    // Behind all that was looked at: what was left out of the last lines is not what comes.
    const from = after ?? first?.seen
    if (first && first.lines.length > 0)
      await sse.writeSSE({ id: String(from), event: 'lines', data: JSON.stringify(first.lines) })
    // With its place: whoever was sent no line comes back there too.
    await sse.writeSSE({ ...(from !== undefined && { id: String(from) }), event: 'live', data: '{}' })
    await bus.printed(of, send, { live: true, signal, ...(from !== undefined && { after: from }) })
  } finally {
    clearInterval(beat)
  }
}
