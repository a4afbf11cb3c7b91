import { lookup as lookUp } from 'node:dns'
import { type ClientRequest, type IncomingMessage, request as overHttp, type RequestOptions } from 'node:http'
import { request as overHttps } from 'node:https'
import type { Readable } from 'node:stream'

export type WebRequest = {
  readonly method: string
  readonly url: URL
  readonly headers?: Readonly<Record<string, string>>
  /** What is sent, and how many bytes that is. It is read once, and no faster than it goes out. */
  readonly body?: { readonly bytes: Readable | Buffer; readonly length: number }
  readonly signal: AbortSignal
  /** For how long nothing may come or go, in milliseconds. */
  readonly silence?: number
  /** How much of the answer is read, in bytes. */
  readonly atMost?: number
  /** Looks up where a host is. */
  readonly lookup?: RequestOptions['lookup']
}

export type WebAnswer = {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  /** The beginning of what came. */
  readonly body: Buffer
}

/**
 * Asks a web server once. Resolves with its answer, whatever the status is: a redirect is an answer like any other, and followed by
 * nobody. An answer that comes before all was sent ends the sending. Rejects where none comes, and where the body breaks.
 */
export const askWeb = ({
  method,
  url,
  headers = {},
  body,
  signal,
  silence = 60_000,
  atMost = 16_384,
  lookup,
}: WebRequest) =>
  new Promise<WebAnswer>((resolve, reject) => {
    const over = url.protocol === 'https:' ? overHttps : overHttp
    const length = body ? { 'content-length': String(body.length) } : {}
    const asked: ClientRequest = over(url, {
      method,
      headers: { ...headers, ...length },
      signal,
      agent: false,
      lookup: lookup ?? lookUp,
    })
    const fail = (cause: unknown): void => {
      asked.destroy()
      if (body && !Buffer.isBuffer(body.bytes)) body.bytes.destroy()
      reject(signal.aborted ? signal.reason : cause)
    }
    asked.setTimeout(silence, () => fail(new Error(`nothing came or went for ${Math.round(silence / 1000)} s`)))
    asked.on('error', fail)
    asked.on('response', (response) => {
      collected(response, atMost).then((bytes) => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: bytes })
        if (!asked.writableFinished) asked.destroy()
        if (body && !Buffer.isBuffer(body.bytes)) body.bytes.destroy()
      }, fail)
    })
    if (!body || Buffer.isBuffer(body.bytes)) asked.end(body?.bytes)
    else body.bytes.on('error', fail).pipe(asked)
  })

const collected = async (response: IncomingMessage, atMost: number): Promise<Buffer> => {
  const pieces: Buffer[] = []
  let length = 0
  for await (const piece of response as AsyncIterable<Buffer>) {
    pieces.push(piece)
    length += piece.length
    if (length >= atMost) break
  }
  return Buffer.concat(pieces)
}
