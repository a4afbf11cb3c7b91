import { lookup as lookUp } from 'node:dns'
import { type ClientRequest, type IncomingMessage, request as overHttp, type RequestOptions } from 'node:http'
import { request as overHttps } from 'node:https'
import { Readable } from 'node:stream'

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

/** What has more bytes is asked for first; where nobody says that it is wanted, it is sent after so many milliseconds. */
const [small, wantedWithin] = [65_536, 1_000]

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
    const bytes = body && (Buffer.isBuffer(body.bytes) ? Readable.from([body.bytes]) : body.bytes)
    const length = body && { 'content-length': String(body.length) }
    // A large body waits until it is wanted: who refuses it before it has come may cut the connection, and not be heard.
    const expected = body && body.length > small && { expect: '100-continue' }
    const asked: ClientRequest = over(url, {
      method,
      headers: { ...headers, ...length, ...expected },
      signal,
      agent: false,
      lookup: lookup ?? lookUp,
    })
    const fail = (cause: unknown): void => {
      asked.destroy()
      bytes?.destroy()
      reject(signal.aborted ? signal.reason : cause)
    }
    let gone = 0
    asked.setTimeout(silence, () => fail(new Error(`nothing came or went for ${Math.round(silence / 1000)} s`)))
    asked.on('error', fail)
    asked.on('response', (response) => {
      collected(response, atMost).then((begun) => {
        const status = response.statusCode ?? 0
        // Else what is too much would be cut off there, and be told to have gone well.
        if (body && status < 300 && gone !== body.length)
          return fail(new Error(`${gone} bytes were sent, not ${body.length}`))
        resolve({ status, headers: response.headers, body: begun })
        if (!asked.writableFinished) asked.destroy()
        bytes?.destroy()
      }, fail)
    })
    const count = (piece: Buffer) => {
      gone += piece.length
    }
    const send = () => {
      clearTimeout(waiting)
      if (!bytes) asked.end()
      else if (!bytes.readableFlowing && !bytes.destroyed) bytes.on('data', count).pipe(asked)
    }
    const waiting = setTimeout(send, expected ? wantedWithin : 0)
    asked.on('close', () => clearTimeout(waiting))
    bytes?.on('error', fail)
    if (expected) asked.on('continue', send).flushHeaders()
    else send()
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
