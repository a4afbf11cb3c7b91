import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { SMTPServer } from 'smtp-server'
import { onTestFinished } from 'vitest'

export type Mail = {
  readonly to: readonly string[]
  readonly content: string
  readonly header: (name: string) => string
}

/** A mail server that keeps what it takes. `refuse` says how it answers to a recipient otherwise, with a code of SMTP. */
export const listenForMail = async (refuse: (to: string) => number | undefined = () => undefined) => {
  const mails: Mail[] = []
  const server = new SMTPServer({
    disabledCommands: ['AUTH', 'STARTTLS'],
    onRcptTo: ({ address }, _, done) => {
      const code = refuse(address)
      done(code === undefined ? null : Object.assign(new Error('not this one'), { responseCode: code }))
    },
    onData: (stream, { envelope }, done) => {
      text(stream).then((content) => {
        const [head = ''] = content.split('\r\n\r\n')
        const unfolded = head.replaceAll(/\r\n[ \t]+/g, ' ')
        const header = (name: string) => new RegExp(`^${name}: (.*)$`, 'im').exec(unfolded)?.[1] ?? ''
        mails.push({ to: envelope.rcptTo.map(({ address }) => address), content, header })
        done()
      }, done)
    },
  })
  server.on('error', () => undefined)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => new Promise<void>((resolve) => server.close(resolve)))
  return { mails, url: `smtp://127.0.0.1:${(server.server.address() as AddressInfo).port}` }
}

export type Post = { readonly path: string; readonly headers: IncomingHttpHeaders; readonly body: string }

/** A web server that keeps what is posted. `status` says how it answers: a number, or a place to go to, or nothing at all. */
export const listenForPosts = async (status: (tries: number) => number | string | undefined = () => 204) => {
  const posts: Post[] = []
  const server = createServer((request, answer) => {
    text(request).then(
      (body) => {
        posts.push({ path: request.url ?? '', headers: request.headers, body })
        const said = status(posts.length)
        if (typeof said === 'number') answer.writeHead(said).end()
        else if (said !== undefined) answer.writeHead(307, { location: said }).end()
      },
      () => undefined,
    )
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  return { posts, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook` }
}
