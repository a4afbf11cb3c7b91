import { createServer, type Socket } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { dial } from '#bus/dial'
import { greeted, Stranger } from '#bus/reach'

/** A program on a port of its own that does something with whoever connects. */
const listening = async (greet: (socket: Socket) => void): Promise<number> => {
  const sockets = new Set<Socket>()
  const program = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined))
    greet(socket)
  }).listen(0, '127.0.0.1')
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    program.close()
  })
  await new Promise((resolve) => program.once('listening', resolve))
  return (program.address() as { port: number }).port
}

test.each([
  ['stays silent', () => undefined, /gives no greeting within 0\.1 s/],
  ['speaks otherwise', (socket: Socket) => socket.write('SSH-2.0\r\n'), /greets in another way/],
  ['hangs up', (socket: Socket) => socket.end(), /closes the connection/],
])('a program that %s is told from a NATS server, soon', async (_, greet, expected) => {
  const port = await listening(greet)
  const reason = await greeted('127.0.0.1', port, 100).catch((cause: unknown) => cause)
  expect(reason).toBeInstanceOf(Stranger)
  expect((reason as Error).message).toMatch(expected)
})

test('a greeting may come in pieces', async () => {
  const port = await listening((socket) => {
    socket.write('IN')
    setTimeout(() => socket.write('FO {}\r\n'), 20)
  })
  await expect(greeted('127.0.0.1', port)).resolves.toBeUndefined()
})

test('why no server answers is said, with advice that fits the place', async () => {
  const port = await listening((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
  const saidOf = (url: string) => dial({ url, principal: 'ann' }).catch(({ message }: Error) => message)
  expect(await saidOf(`nats://127.0.0.1:${port}`)).toMatch(/no NATS server, or hangs .*millrace nats --port$/)
  expect(await saidOf('nats://127.0.0.1:1')).toMatch(/at nats:\/\/127\.0\.0\.1:1\. Start one with: millrace nats$/)
  const unknown = await saidOf('nats://nohost.invalid')
  expect(unknown).toMatch(/nohost\.invalid(: no host is called|: nobody can be asked).*Correct the address/)
  expect(unknown).not.toMatch(/millrace nats/)
})

test('an address with another scheme is refused, with those that are right', async () => {
  const dialed = dial({ url: 'http://127.0.0.1:1', principal: 'ann', wait: true })
  await expect(dialed).rejects.toMatchObject({
    code: 'config.address',
    message: expect.stringMatching(/Expected nats:\/\/.*tls:\/\//),
  })
})
