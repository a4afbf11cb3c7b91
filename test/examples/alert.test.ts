import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { SMTPServer } from 'smtp-server'
import { expect, onTestFinished, test } from 'vitest'
import { freePort, millrace, stop, temporaryFolders } from '../processes.ts'

const folder = temporaryFolders()()

/** A mail server that keeps what it is sent; the first mail it refuses. */
const sink = async (port: number) => {
  const mails: { readonly to: readonly string[]; readonly text: string }[] = []
  let refused = 0
  const server = new SMTPServer({
    disabledCommands: ['AUTH', 'STARTTLS'],
    onData: (stream, { envelope }, done) => {
      text(stream).then((content) => {
        if (refused++ === 0) return done(new Error('not now'))
        mails.push({ to: envelope.rcptTo.map(({ address }) => address), text: content })
        done()
      }, done)
    },
  })
  await once(server.listen(port, '127.0.0.1'), 'listening')
  onTestFinished(() => new Promise<void>((resolve) => server.close(resolve)))
  return mails
}

test('a log with an error in it is a mail, also where the mail server refuses at first; one without is none', async () => {
  const [web, nats, smtp] = [await freePort(2), await freePort(), await freePort()]
  const mails = await sink(smtp)
  const logs = join(folder, 'alert-artifacts/logs')
  mkdirSync(logs, { recursive: true })
  const args = ['up', 'examples/alert/alert.ts', '--base', folder, '--state', join(folder, 'state')]
  const env = { SMTP_URL: `smtp://127.0.0.1:${smtp}`, MAIL_TO: 'ann@example.org' }
  const up = millrace([...args, '--port', String(web), '--nats-port', String(nats)], env)
  await up.says(/Ctrl-C stops/)
  writeFileSync(join(logs, 'calm.log'), 'all is well\n')
  await up.says(/run alert\/0 succeeded/)
  expect(mails).toEqual([])
  writeFileSync(join(logs, 'printer.log'), 'started\nERROR: out of paper\nstopped\n')
  await up.says(/run alert\/1 succeeded/)
  expect(mails).toMatchObject([{ to: ['ann@example.org'], text: expect.stringContaining('ERROR: out of paper') }])
  expect(mails[0]?.text).toContain('Subject: printer.log')
  expect(mails[0]?.text).not.toContain('stopped')
  expect(await stop(up)).toBe(0)
}, 90_000)
