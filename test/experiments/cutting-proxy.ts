import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** Stands before a server, and cuts so many connections once so many bytes have gone through to it. */
export const startCutting = async (
  port: number,
  { cuts, after }: { readonly cuts: number; readonly after: number },
) => {
  let left = cuts
  const open = new Set<Socket>()
  const server = createServer((from) => {
    const to = connect(port, '127.0.0.1')
    let through = 0
    for (const socket of [from, to]) {
      open.add(socket)
      socket
        .on('error', () => undefined)
        .on('close', () => {
          open.delete(socket)
          from.destroy()
          to.destroy()
        })
    }
    from.on('data', (piece: Buffer) => {
      through += piece.length
      if (through > after && left > 0) {
        left--
        from.resetAndDestroy()
        to.destroy()
      } else if (!to.write(piece)) {
        from.pause()
        to.once('drain', () => from.resume())
      }
    })
    to.pipe(from)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    /** How many connections are yet to be cut. */
    left: () => left,
    stop: async () => {
      for (const socket of open) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
