import { createHmac } from 'node:crypto'
import { expect, test } from 'vitest'
import { mailer } from '#agents/notices/mail'
import type { Notice } from '#agents/notices/notice'
import { webhook } from '#agents/notices/webhook'
import { isPrivate } from '#agents/uploads/private-address'
import { freePort } from '../processes.ts'
import { listenForMail, listenForPosts } from './listeners.ts'
import { faultOf } from './results.ts'

const signal = new AbortController().signal
const notice: Notice = {
  ...{ id: 'e-1.carol.mail', about: 'e-1', at: 1, experiment: 'rover-1', project: 'rover', to: 'carol' },
  ...{ occasion: 'failed', subject: 'rover-1: Ü failed', text: 'It broke\n.\n<script>\n' },
}
const key = 'a-secret-of-tests'
const privateHosts = ['127.0.0.1']

test('a mail is plain text, from one to one, and has the same id however often it is sent', async () => {
  const { mails, url } = await listenForMail()
  const send = mailer({ smtp: url, from: 'portal@example.org' })
  for (const _ of [1, 2]) await send(notice, 'carol@example.org', signal)
  await send({ ...notice, id: 'e-2.carol.mail' }, 'carol@example.org', signal)
  const [first, second, other] = mails
  expect(first?.to).toEqual(['carol@example.org'])
  expect(first?.header('content-type')).toMatch(/^text\/plain/)
  expect(first?.header('auto-submitted')).toBe('auto-generated')
  expect(first?.content).toMatch(/It broke\r\n\.\.?\r\n<script>/)
  expect(first?.header('message-id')).toMatch(/^<[0-9a-f]{40}@example.org>$/)
  expect(second?.header('message-id')).toBe(first?.header('message-id'))
  expect(other?.header('message-id')).not.toBe(first?.header('message-id'))
})

test('no header can be begun in a subject or an address', async () => {
  const { mails, url } = await listenForMail()
  const send = mailer({ smtp: url, from: 'portal@example.org' })
  await send({ ...notice, subject: 'x\r\nBcc: all@example.org' }, 'carol@example.org', signal)
  await send(notice, 'carol@example.org>\r\nBcc: <all@example.org', signal).catch(() => undefined)
  for (const { header, to } of mails) {
    expect(header('bcc')).toBe('')
    expect(to).not.toContain('all@example.org')
  }
})

test('a recipient that is refused is so for good, one that is refused for now is not, and a server may be away', async () => {
  const { url } = await listenForMail((to) => (to.startsWith('nobody') ? 550 : 450))
  const send = mailer({ smtp: url, from: 'portal@example.org' })
  const refused = await faultOf(send(notice, 'nobody@example.org', signal), 'nobody@example.org')
  expect(refused).toMatchObject({ code: 'notice.refused', message: expect.stringMatching(/550.*the preferences/) })
  expect(await faultOf(send(notice, 'full@example.org', signal))).toMatchObject({ code: 'notice.unavailable' })
  const away = mailer({ smtp: `smtp://127.0.0.1:${await freePort()}`, from: 'portal@example.org' })
  expect(await faultOf(away(notice, 'carol@example.org', signal))).toMatchObject({ code: 'notice.unavailable' })
})

test('a password is shown to no mail server elsewhere without TLS, and settings that are none are refused', async () => {
  const { mails, url } = await listenForMail()
  const login = url.replace('smtp://127.0.0.1', `smtp://portal:${key}@0.0.0.0`)
  expect(
    await faultOf(mailer({ smtp: login, from: 'portal@example.org' })(notice, 'carol@example.org', signal)),
  ).toMatchObject({ message: expect.stringMatching(/TLS/i) })
  expect(mails).toEqual([])
  for (const [smtp, from] of [
    ['http://x', 'a@b'],
    ['smtp://', 'a@b'],
    ['smtp://x', 'none'],
    ['smtp://x', 'a@b\r\nBcc: c@d'],
  ] as const)
    expect(() => mailer({ smtp, from })).toThrow('Mail needs smtp://')
})

test('a post is JSON that is signed with the key', async () => {
  const { posts, url } = await listenForPosts()
  await webhook({ key, privateHosts })(notice, url, signal)
  const [{ headers, body, path } = expect.unreachable('Nothing was posted')] = posts
  expect(JSON.parse(body)).toEqual(notice)
  expect(path).toBe('/hook')
  expect(headers).toMatchObject({
    'content-type': 'application/json; charset=utf-8',
    'idempotency-key': notice.id,
    'millrace-signature': `sha256=${createHmac('sha256', key).update(body).digest('hex')}`,
  })
})

test.each([
  [500, 'notice.unavailable'],
  [429, 'notice.unavailable'],
  [404, 'notice.refused'],
  [410, 'notice.refused'],
])('a post that is answered with %i is %s', async (status, code) => {
  const { url } = await listenForPosts(() => status)
  expect(await faultOf(webhook({ privateHosts })(notice, url, signal))).toMatchObject({ code })
})

test('a post goes to nobody to whom a redirect leads', async () => {
  const thief = await listenForPosts()
  const { url } = await listenForPosts(() => thief.url)
  expect((await faultOf(webhook({ key, privateHosts })(notice, url, signal))).message).toMatch(/307.*not followed/)
  expect(thief.posts).toEqual([])
})

test('what is in a private network, by its address or by its name, is not asked unless that is allowed', async () => {
  const { posts, url } = await listenForPosts()
  const port = new URL(url).port
  for (const host of ['127.0.0.1', 'localhost', '[::1]', '[::ffff:127.0.0.1]', '2130706433', '0x7f.1'])
    expect(await faultOf(webhook()(notice, `http://${host}:${port}/`, signal))).toMatchObject({
      code: 'notice.refused',
      message: expect.stringMatching(/private network/),
    })
  expect(posts).toEqual([])
  for (const address of [
    '10.1.2.3',
    '172.31.0.1',
    '192.168.0.1',
    '169.254.169.254',
    '100.64.0.1',
    'fd00::1',
    'fe80::1',
    '::ffff:a00:1',
  ])
    expect(isPrivate(address)).toBe(true)
  for (const address of ['9.9.9.9', '172.32.0.1', '2620:fe::fe', '::ffff:909:909', 'example.org'])
    expect(isPrivate(address)).toBe(false)
})
