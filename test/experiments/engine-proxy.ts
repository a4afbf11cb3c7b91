import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

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

/** An engine whose clock is ahead of this machine's by so many whole hours as was said last; else it is the one behind it. */
export const engineAhead = async (host: string) => {
  const open = new Set<Socket>()
  let ahead = 0
  const hour = /(?<="SystemTime":")[\d-]{10}T\d\d/
  const later = (time: string): string =>
    new Date(Date.parse(`${time}:00Z`) + ahead * 3_600_000).toISOString().slice(0, time.length)
  const server = createServer({ allowHalfOpen: true }, (client) => {
    const engine = connect({ path: host.replace('unix://', ''), allowHalfOpen: true })
    for (const one of [client, engine]) {
      open.add(one)
      one.on('error', () => one.destroy()).on('close', () => open.delete(one))
    }
    client.pipe(engine)
    engine
      .on('data', (chunk) => client.write(chunk.toString('latin1').replace(hour, later), 'latin1'))
      .on('end', () => client.end())
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    host: `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`,
    set: (hours: number): void => {
      ahead = hours
    },
    stop: async () => {
      for (const one of open) one.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
