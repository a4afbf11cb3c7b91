import { createServer, type Server as HttpServer } from 'node:http'
import { createSecureServer, type Http2SecureServer } from 'node:http2'
import { type AddressInfo, createServer as createListener, type Socket } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import { faults } from '#bus/fault'
import { certificateFor } from './certificate.ts'

export type WebServer = {
  /** The server's address, `https://<host>:<port>`. */
  readonly url: string
  /** The certificate that its visitors may trust. */
  readonly caPath: string
  /** Resolves when nothing is open any more. */
  readonly closed: Promise<void>
}

type Served = { readonly fetch: (request: Request) => Response | Promise<Response> }

/** How often a certificate's age is looked at, and how long an open request may take at the end, in milliseconds. */
const daily = 86_400_000
const grace = 2_000

/** The first byte of whoever speaks TLS. */
const handshake = 0x16

/**
 * Serves an app over HTTP/2 with TLS, or HTTP/1.1 where a visitor knows no better, until `signal` aborts. Who comes to the
 * same port without TLS is sent to the same address with it.
 */
export const startWeb = async (options: {
  readonly app: Served
  readonly host: string
  readonly port: number
  readonly stateDir: string
  readonly signal: AbortSignal
}): Promise<WebServer> => {
  const { app, host, port, stateDir, signal } = options
  const { key, cert, caPath } = await certificateFor(stateDir, host)
  const secure = createAdaptorServer({
    fetch: (request) => app.fetch(request),
    createServer: createSecureServer,
    serverOptions: { key, cert, allowHTTP1: true },
  }) as Http2SecureServer
  const plain = redirecting()
  const sockets = new Set<Socket>()

  const listener = createListener((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket)).on('error', () => socket.destroy())
    socket.setTimeout(30_000, () => socket.destroy()) // For the first byte only.
    socket.once('readable', () => {
      const first: Buffer | null = socket.read(1)
      if (!first) return void socket.destroy()
      socket.setTimeout(0)
      socket.removeAllListeners('timeout')
      socket.unshift(first)
      const server: Http2SecureServer | HttpServer = first[0] === handshake ? secure : plain
      server.emit('connection', socket)
    })
  })

  await new Promise<void>((resolve, reject) => {
    listener.once('error', (cause: NodeJS.ErrnoException) =>
      reject(cause.code === 'EADDRINUSE' ? faults.webPortTaken(host, port) : cause),
    )
    listener.listen(port, bare(host), resolve)
  })

  const renewal = setInterval(async () => {
    const renewed = await certificateFor(stateDir, host).catch(() => undefined)
    if (renewed) secure.setSecureContext({ key: renewed.key, cert: renewed.cert })
  }, daily)
  renewal.unref()

  const closed = new Promise<void>((resolve) => {
    const close = () => {
      clearInterval(renewal)
      listener.close(() => resolve())
      setTimeout(() => {
        for (const socket of sockets) socket.destroy()
      }, grace).unref()
    }
    if (signal.aborted) close()
    else signal.addEventListener('abort', close, { once: true })
  })
  return { url: `https://${written(host)}:${(listener.address() as AddressInfo).port}`, caPath, closed }
}

/** Sends whoever speaks no TLS to the same address with it. */
const redirecting = (): HttpServer =>
  createServer((request, response) => {
    const { host } = request.headers
    const isName = host !== undefined && /^[\w.:[\]-]+$/.test(host)
    const headers = isName
      ? { Location: `https://${host}${request.url}`, Connection: 'close' }
      : { Connection: 'close' }
    response.writeHead(isName ? 308 : 400, headers).end()
  })

const bare = (host: string): string => host.replace(/^\[|\]$/g, '')

/** An address as it stands in a URL. */
const written = (host: string): string => (host.includes(':') && !host.startsWith('[') ? `[${host}]` : host)
