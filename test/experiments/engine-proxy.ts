import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

/** Passes a socket of one's own on to an engine; `cut` ends every connection at once, and nobody answers there any more. */
export const proxyTo = async (host: string, socket: string): Promise<{ readonly cut: () => Promise<void> }> => {
  const open = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true }, (client) => {
    const engine = connect({ path: host.replace('unix://', ''), allowHalfOpen: true })
    for (const [one, other] of [
      [client, engine],
      [engine, client],
    ] as const) {
      open.add(one)
      one.on('error', () => other.destroy()).on('close', () => open.delete(one))
      one.pipe(other)
    }
  })
  server.listen(socket)
  await once(server, 'listening')
  return {
    cut: async () => {
      server.close()
      for (const one of open) one.destroy()
      await once(server, 'close')
    },
  }
}
