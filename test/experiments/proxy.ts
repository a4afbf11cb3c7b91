import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

/** A wire between a client and a server on this machine that can be cut, held and measured. */
export type Wire = {
  readonly port: number
  /** How many bytes have gone to the server and come from it, over all connections. */
  readonly bytes: () => { readonly up: number; readonly down: number }
  /** How many connections there are, on both of its ends. */
  readonly open: () => number
  /** Resolves when so many bytes have gone to the server, or come from it, since it was called. */
  readonly passed: (way: 'up' | 'down', bytes: number) => Promise<void>
  /** Breaks every connection that is there; those that come later live. */
  readonly cut: () => void
  /** Lets nothing more through, and says nothing of it, until `release`. */
  readonly hold: () => void
  readonly release: () => void
  readonly stop: () => Promise<void>
}

/** Lays a wire to a port of this machine. */
export const layWire = async (to: number): Promise<Wire> => {
  const sockets = new Set<Socket>()
  const count = { up: 0, down: 0 }
  const watchers = new Set<() => void>()
  let held = false
  const join = (from: Socket, into: Socket, way: 'up' | 'down'): void => {
    sockets.add(from)
    from.setNoDelay(true)
    from
      .on('data', (chunk) => {
        count[way] += chunk.length
        if (!into.write(chunk)) from.pause()
        for (const look of watchers) look()
      })
      .on('end', () => into.end())
      .on('error', () => into.destroy())
      .once('close', () => {
        sockets.delete(from)
        into.destroy()
      })
    into.on('drain', () => held || from.resume())
    if (held) from.pause()
  }
  const server = createServer({ allowHalfOpen: true }, (near) => {
    const far = connect({ port: to, host: '127.0.0.1', allowHalfOpen: true })
    join(near, far, 'up')
    join(far, near, 'down')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const cut = () => {
    for (const socket of sockets) socket.resetAndDestroy()
  }
  return {
    port: (server.address() as { port: number }).port,
    bytes: () => ({ ...count }),
    open: () => sockets.size,
    passed: (way, bytes) =>
      new Promise((resolve) => {
        const until = count[way] + bytes
        const look = () => {
          if (count[way] < until) return
          watchers.delete(look)
          resolve()
        }
        watchers.add(look)
        look()
      }),
    cut,
    hold: () => {
      held = true
      for (const socket of sockets) socket.pause()
    },
    release: () => {
      held = false
      for (const socket of sockets) socket.resume()
    },
    stop: async () => {
      cut()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
