import type { Context } from 'hono'
import { type SSEStreamingApi, streamSSE } from 'hono/streaming'

/** Answers with server-sent events, until whoever reads them has left or `signal` aborts: both abort `ending`. */
export const eventStream = (
  c: Context,
  signal: AbortSignal,
  send: (sse: SSEStreamingApi, ending: AbortSignal) => Promise<void>,
): Response => {
  const response = streamSSE(c, async (sse) => {
    const left = new AbortController()
    sse.onAbort(() => left.abort())
    await send(sse, AbortSignal.any([signal, left.signal])).finally(() => left.abort())
  })
  // HTTP/2 has frames of its own and forbids these; in HTTP/1.1 the server sets them itself.
  for (const header of ['Transfer-Encoding', 'Connection']) response.headers.delete(header)
  return response
}
