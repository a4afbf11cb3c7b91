import { z } from '@hono/zod-openapi'
import type { SSEStreamingApi } from 'hono/streaming'
import { reasonOf } from '#bus/fault'
import { readEvent } from '#contracts/all'
import { type Asker, maySee } from '#contracts/asker'
import type { Recorded } from '#contracts/envelope'
import { position } from '#contracts/names'
import { type News, ownSequence } from '#projections/progress'
import { eventStream } from './event-stream.ts'
import { watchPresence } from './presence.ts'
import { type App, positionHeader, type Site } from './site.ts'

/** How much news may wait for a slow reader; beyond, it is read from the log again. */
const mostWaiting = 200

const live = z.object({
  type: z.string(),
  position: z.string(),
  at: z.string(),
  aggregate: z.string(),
  scope: z.string(),
  key: z.string(),
  run: z.string().optional(),
  part: z.string().optional(),
  store: z.string().optional(),
  path: z.string().optional(),
})

/** What somebody who watches learns of an event: enough to know what to read again. */
export const liveOf = ({ type, position: at, storedAt, address, data }: Recorded): z.output<typeof live> => {
  const { by, ...said } = data as { readonly by?: { readonly run: string; readonly part: string } }
  const known: Readonly<Record<string, unknown>> = { ...by, ...said }
  const texts = ['run', 'part', 'store', 'path'].flatMap((key) =>
    typeof known[key] === 'string' ? [[key, known[key]]] : [],
  )
  const run = address.aggregate === 'run' ? { run: `${address.scope}/${address.key}` } : {}
  return { type, position: at, at: new Date(storedAt).toISOString(), ...address, ...Object.fromEntries(texts), ...run }
}

/** Aggregates of a portal, whose events are not for everybody. */
const ofPortal: ReadonlySet<string> = new Set(['experiment', 'end-node', 'portal', 'person', 'notification'])

/** Whether somebody may hear of an event: of experiments whoever may see them, of people they themselves. */
export const mayHear = ({ address, data }: Recorded, asker: () => Asker): boolean => {
  const { aggregate, scope, key } = address
  if (!ofPortal.has(aggregate)) return true
  const who = asker()
  switch (aggregate) {
    case 'experiment':
      return maySee(who, scope)
    case 'person':
      return who.sees === 'all' || (who.sees === 'own' && who.name === key)
    case 'notification':
      return who.sees === 'all' || (who.sees === 'own' && who.name === (data as { readonly to?: unknown }).to)
    default:
      return who.sees !== 'nothing'
  }
}

/**
 * Streams each event once the projection has applied it; the id is its position. Whoever comes back with the last id gets
 * what came in between, from the log itself. Of another log, or where the projection has not been yet, the answer is `reset`:
 * read everything again. `presence` says that hosts
 * have come or gone, and who is there now; that is no event, so it has no position.
 */
export const addEvents = (app: App, site: Site): void => {
  app.openAPIRegistry.registerPath({
    method: 'get',
    path: '/api/events',
    operationId: 'events',
    summary: 'Every event, live, as server-sent events; `from` or `Last-Event-ID` says where to go on',
    request: { query: z.object({ from: position.optional() }) },
    responses: { 200: { description: 'Events', content: { 'text/event-stream': { schema: live } } } },
  })
  const { bus, heartbeat = 15_000 } = site
  const onPresence = watchPresence(bus, heartbeat / 3)
  app.get('/api/events', (c) => {
    const from = c.req.header('Last-Event-ID') || c.req.query('from')
    c.header(positionHeader, site.viewer.follower.now().position)
    if (c.req.method === 'HEAD') return c.body(null, 200, { 'Content-Type': 'text/event-stream' })
    return eventStream(c, site.signal, (sse, ending) =>
      stream({ ...site, user: c.var.user, heartbeat, onPresence, ending }, sse, from),
    )
  })
}

type Streamed = Site & {
  readonly heartbeat: number
  readonly onPresence: ReturnType<typeof watchPresence>
  readonly ending: AbortSignal
}

const stream = async (
  { bus, viewer, user, ending, heartbeat, onPresence, say }: Streamed,
  sse: SSEStreamingApi,
  from?: string,
): Promise<void> => {
  const { follower } = viewer
  const waiting: News[] = []
  let wake = (): void => undefined
  ending.addEventListener('abort', () => wake())
  const off = follower.onApplied((news) => {
    waiting.push(news)
    if (waiting.length > mostWaiting) waiting.length = 0
    wake()
  })

  let hosts: readonly string[] | undefined
  const offPresence = onPresence((now) => {
    hosts = now
    wake()
  })

  const { sequence: reached } = follower.now()
  const known = from === undefined ? undefined : ownSequence(from, bus.logId)
  const isOurs = known !== undefined && known <= reached
  let sent = isOurs ? known : reached

  const begin = (type: 'position' | 'reset'): Promise<void> => {
    const at = `${bus.logId}.${sent}`
    return sse.writeSSE({ id: at, event: type, retry: 1_000, data: JSON.stringify({ type, position: at }) })
  }

  const send = async (events: readonly Recorded[], upTo: number): Promise<void> => {
    for (const event of events) {
      if (event.sequence <= sent || event.sequence > upTo || ending.aborted) continue
      if (!mayHear(event, () => viewer.asker(user))) continue
      await sse.writeSSE({ id: event.position, data: JSON.stringify(liveOf(event)) })
    }
    sent = Math.max(sent, upTo)
  }

  /** What lies between, read from the log: nobody kept it. */
  const catchUp = async (upTo: number): Promise<void> => {
    const there = new AbortController()
    await bus.follow(
      { logId: bus.logId, sequence: sent },
      async (batch) => {
        const kept = batch.events.flatMap((event) => {
          const reading = readEvent(event)
          return reading.kept ? [reading.event] : []
        })
        await send(kept, Math.min(batch.upTo, upTo))
        if (batch.upTo >= upTo) there.abort()
      },
      AbortSignal.any([ending, there.signal]),
    )
  }

  try {
    await begin(from !== undefined && !isOurs ? 'reset' : 'position')
    while (!ending.aborted) {
      const there = hosts
      hosts = undefined
      if (there) await sse.writeSSE({ event: 'presence', data: JSON.stringify({ type: 'presence', hosts: there }) })
      const news = waiting.shift()
      if (news && news.upTo < sent) {
        // The log has become shorter, so that what was told of its end holds no more.
        sent = news.upTo
        await begin('reset')
        continue
      }
      const upTo = news?.from ?? follower.now().sequence
      if (upTo > sent) await catchUp(upTo)
      if (upTo > sent) break // Nobody hands on the rest any more: whoever comes back is told of all of it.
      if (news) await send(news.events, news.upTo)
      else if (waiting.length === 0 && !hosts) {
        const { promise, resolve } = Promise.withResolvers<'news' | 'quiet'>()
        wake = () => resolve('news')
        if (ending.aborted) break
        const timer = setTimeout(() => resolve('quiet'), heartbeat)
        if ((await promise) === 'quiet') await sse.write(': alive\n\n')
        clearTimeout(timer)
      }
    }
  } catch (cause) {
    // The stream ends, and whoever comes back goes on from the last id.
    if (!ending.aborted) say?.(`A stream of events broke: ${reasonOf(cause)}`)
  } finally {
    off()
    offPresence()
  }
}
