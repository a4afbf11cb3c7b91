import { once } from 'node:events'
import { connect, Server } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import { expect, onTestFinished, test, vi } from 'vitest'
import { startWeb } from '#http/server'
import { folder } from '../projections/story.ts'

const listening = async () => {
  const stop = new AbortController()
  const lines: string[] = []
  const { url, closed } = await startWeb({
    app: { fetch: () => new Response('here') },
    host: '127.0.0.1',
    port: 0,
    stateDir: await folder(),
    signal: stop.signal,
    say: (line) => lines.push(line),
  })
  onTestFinished(async () => {
    vi.useRealTimers()
    stop.abort()
    await closed
  })
  return { port: Number(new URL(url).port), lines }
}

/** The listener of a port of this process. */
const listenerOf = (port: number): Server | undefined => {
  const { _getActiveHandles: handles } = process as unknown as { readonly _getActiveHandles: () => readonly unknown[] }
  return handles
    .call(process)
    .find((one): one is Server => one instanceof Server && (one.address() as { port: number }).port === port)
}

test('a listener that can let nobody in for now goes on, however often that happens', async () => {
  const { port, lines } = await listening()
  const listener = listenerOf(port)
  for (let times = 0; times < 3; times++) listener?.emit('error', new Error('accept EMFILE'))
  expect(lines).toHaveLength(3)
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  socket.destroy()
})

test('whoever speaks no TLS and does not come to the point is sent away', async () => {
  const { port } = await listening()
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const socket = connect(port, '127.0.0.1')
  socket.write('GET / HTTP/1.1\r\nX-Slow: ')
  while (vi.getTimerCount() === 0) await setImmediate()
  const closed = once(socket, 'close')
  socket.resume()
  vi.advanceTimersByTime(10_000)
  await closed
})
