import { createServer, type Server as HttpServer } from 'node:http'
import { createSecureServer, type Http2SecureServer } from 'node:http2'
import { type AddressInfo, createServer as createListener, type Socket } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import { faults, reasonOf } from '#bus/fault'
import { certificateFor } from './certificate.ts'
import { isNamed, namesAt, written } from './guard.ts'

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

/** How long whoever speaks no TLS has to ask for something, in milliseconds: the answer is always the same. */
const plainly = 10_000

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
  readonly say?: (line: string) => void
}): Promise<WebServer> => {
  const { app, host, port, stateDir, signal, say = () => undefined } = options
  const { key, cert, caPath } = await certificateFor(stateDir, host)
  const secure = createAdaptorServer({
    fetch: (request) => app.fetch(request),
    createServer: createSecureServer,
    serverOptions: { key, cert, allowHTTP1: true },
  }) as Http2SecureServer
  const plain = redirecting(namesAt(host))
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
      const isSecure = first[0] === handshake
      if (!isSecure) limit(socket, plainly)
      const server: Http2SecureServer | HttpServer = isSecure ? secure : plain
      server.emit('connection', socket)
    })
  })

  await new Promise<void>((resolve, reject) => {
    listener.once('error', (cause: NodeJS.ErrnoException) =>
      reject(cause.code === 'EADDRINUSE' ? faults.webPortTaken(host, port) : cause),
    )
    listener.listen(port, bare(host), resolve)
  })
  // Too many open files, for example: whoever comes next may be let in again.
  listener.on('error', (cause) => say(`The web server could not let somebody in: ${reasonOf(cause)}`))

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

/** Closes a connection after so many milliseconds, whatever happens on it. */
const limit = (socket: Socket, milliseconds: number): void => {
  const timer = setTimeout(() => socket.destroy(), milliseconds)
  socket.once('close', () => clearTimeout(timer))
}

/** Sends whoever speaks no TLS, and asks for this server, to the same address with it. */
const redirecting = (names: readonly string[]): HttpServer =>
  createServer((request, response) => {
    const { host = '' } = request.headers
    const isOurs = isNamed(names, host) && request.url?.startsWith('/')
    const headers = { Connection: 'close', ...(isOurs && { Location: `https://${host}${request.url}` }) }
    response.writeHead(isOurs ? 308 : 421, headers).end()
  })

const bare = (host: string): string => host.replace(/^\[|\]$/g, '')
