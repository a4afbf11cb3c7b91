import { expect, onTestFinished, test, vi } from 'vitest'
import { siteOf } from './site.ts'

type Event = {
  readonly id?: string
  readonly event?: string
  readonly data?: Record<string, unknown>
  readonly comment?: string
}

/** Reads a stream of server-sent events, one at a time. */
const reading = (response: Response) => {
  const reader = (response.body as ReadableStream<Uint8Array>).pipeThrough(new TextDecoderStream() as never).getReader()
  let text = ''
  const next = async (): Promise<Event> => {
    while (!text.includes('\n\n')) text += ((await reader.read()) as { value: string }).value
    const end = text.indexOf('\n\n')
    const block = text.slice(0, end)
    text = text.slice(end + 2)
    if (block.startsWith(':')) return { comment: block }
    const fields = Object.fromEntries(block.split('\n').map((line) => line.split(/: (.*)/s).slice(0, 2)))
    return { ...fields, data: JSON.parse(fields.data as string) }
  }
  return { next, close: () => reader.cancel() }
}

const eventsOf = async (site: Awaited<ReturnType<typeof siteOf>>, headers: Record<string, string> = {}, query = '') =>
  reading(await site.get(`/api/events${query}`, headers))

test('each event comes once the projection has applied it, with its position as id', async () => {
  const site = await siteOf()
  const { next, close } = await eventsOf(site)
  expect(await next()).toMatchObject({ event: 'position', id: `${site.bus.logId}.${await site.bus.head()}` })
  const id = await site.story.drop('live.txt')
  expect(await next()).toMatchObject({
    id,
    data: { type: 'artifact.detected', position: id, store: 'root/haikus', path: 'live.txt' },
  })
  await site.story.plan()
  expect(await next()).toMatchObject({ data: { type: 'pipeline.run-planned' } })
  expect(await next()).toMatchObject({ data: { type: 'run.planned', run: 'root/1' } })
  expect(await next()).toMatchObject({ data: { type: 'run.node-scheduled', run: 'root/1', part: 'root/retraining' } })
  await close()
})

test('whoever comes back with the last id gets what came in between, and each event once', async () => {
  const site = await siteOf()
  const seen = `${site.bus.logId}.${(await site.bus.head()) - 3}`
  const { next, close } = await eventsOf(site, { 'Last-Event-ID': seen })
  const head = await site.bus.head()
  expect(await next()).toMatchObject({ event: 'position', id: seen })
  const dropped = site.story.drop('meanwhile.txt')
  const ids = [await next(), await next(), await next(), await next()].map(({ id }) => id)
  expect(ids).toEqual([head - 2, head - 1, head, head + 1].map((sequence) => `${site.bus.logId}.${sequence}`))
  await dropped
  await close()
})

test('a page goes on from where it was read', async () => {
  const site = await siteOf()
  const { next, close } = await eventsOf(site, {}, `?from=${site.bus.logId}.${(await site.bus.head()) - 1}`)
  await next()
  expect(await next()).toMatchObject({ id: `${site.bus.logId}.${await site.bus.head()}` })
  await close()
})

test('somebody who remembers another log is told to read everything again', async () => {
  const site = await siteOf()
  const { next, close } = await eventsOf(site, { 'Last-Event-ID': 'other.12' })
  expect(await next()).toMatchObject({ event: 'reset', id: `${site.bus.logId}.${await site.bus.head()}` })
  await close()
})

test.each([
  '99999',
  '-5',
  '1e1',
  '',
])('somebody who remembers a place %j, where nobody has been, is told so as well', async (place) => {
  const site = await siteOf()
  const { next, close } = await eventsOf(site, {}, `?from=${site.bus.logId}.${place}`)
  expect(await next()).toMatchObject({ event: 'reset', id: `${site.bus.logId}.${await site.bus.head()}` })
  await close()
})

test('whoever asks for the headers alone is not listened for', async () => {
  const site = await siteOf()
  const listen = vi.spyOn(site.follower, 'onApplied')
  const response = await site.app.request('/api/events', { method: 'HEAD' })
  expect(response.status).toBe(200)
  expect(response.headers.get('Content-Type')).toBe('text/event-stream')
  expect(listen).not.toHaveBeenCalled()
})

test('whoever leaves while he is told what came in between leaves nothing behind', async () => {
  const heartbeat = 54_321
  const site = await siteOf({ heartbeat })
  const off = vi.fn()
  vi.spyOn(site.follower, 'onApplied').mockReturnValue(off)
  const timers = vi.spyOn(globalThis, 'setTimeout')
  onTestFinished(() => void timers.mockRestore())
  const { next, close } = await eventsOf(site, {}, `?from=${site.bus.logId}.1`)
  await next()
  await close()
  await vi.waitFor(() => expect(off).toHaveBeenCalled(), 20_000)
  expect(timers.mock.calls.filter(([, milliseconds]) => milliseconds === heartbeat)).toEqual([])
})

test('a rebuild loses nothing', async () => {
  const site = await siteOf()
  const { next, close } = await eventsOf(site)
  await next()
  await site.follower.rebuild()
  const id = await site.story.drop('after.txt')
  expect(await next()).toMatchObject({ id })
  await close()
})

test('a quiet stream says that it is alive, and any number may listen', async () => {
  const site = await siteOf({ heartbeat: 5 })
  const streams = await Promise.all(Array.from({ length: 20 }, () => eventsOf(site)))
  for (const { next } of streams) {
    expect(await next()).toMatchObject({ event: 'position' })
    expect(await next()).toEqual({ comment: ': alive' })
  }
  await Promise.all(streams.map(({ close }) => close()))
})

test('hosts that come and go are told, without a position', async () => {
  const site = await siteOf({ heartbeat: 30 })
  const { next, close } = await eventsOf(site)
  await next()
  const nextPresence = async () => {
    for (;;) {
      const event = await next()
      if (event.event === 'presence') return event
    }
  }
  // The stream has looked once when it says for the first time that it is alive.
  while (!(await next()).comment);
  const gone = new AbortController()
  const { gone: ended } = await site.bus.appear({ host: 'far', instance: 'one', machine: 'm', nodes: [] }, gone.signal)
  expect(await nextPresence()).toEqual({ event: 'presence', data: { type: 'presence', hosts: ['far'] } })
  gone.abort()
  await ended
  expect(await nextPresence()).toEqual({ event: 'presence', data: { type: 'presence', hosts: [] } })
  await close()
})
