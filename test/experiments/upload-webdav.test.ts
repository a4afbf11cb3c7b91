import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readdirSync, utimesSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { linkOf, withSecret } from '#agents/uploads/link-of'
import { targetOf } from '#agents/uploads/target-of'
import { temporaryFolders } from '../processes.ts'
import { type Apache, login, mayServeWebDav, startApache } from './apache.ts'
import { layWire } from './proxy.ts'
import { faultOf, here, layCutWire, layResults, lies, uploading } from './results.ts'

const newFolder = temporaryFolders()
const signal = new AbortController().signal
const files = { 'a.txt': 'one', 'deep/er/ü b#c%?.csv': 'two', empty: '' }

describe.runIf(mayServeWebDav)('results on a WebDAV server', () => {
  let apache: Apache
  beforeAll(async () => {
    apache = await startApache(newFolder())
  })
  afterAll(() => apache?.stop())

  const open = (url = apache.url, password = login.password) => {
    const { link, secret } = linkOf(`webdav+${url.replace('://', `://${login.user}:${password}@`)}`)
    return targetOf(withSecret(link, 'key'), secret, { directories: undefined, reach: here })
  }
  /** A folder of its own on the server. */
  const inside = async (name: string) => {
    const made = await fetch(`${apache.url}${name}/`, {
      method: 'MKCOL',
      headers: { authorization: `Basic ${btoa(`${login.user}:${login.password}`)}` },
    })
    expect(made.status).toBe(201)
    return { url: `${apache.url}${name}`, at: join(apache.served, name), target: await open(`${apache.url}${name}`) }
  }

  test('lie there as they were, the manifest last, and no mark beside it', async () => {
    const [folder, { at, target }] = [newFolder(), await inside('first')]
    const manifest = layResults(folder, files)
    await target.probe(signal)
    expect(readdirSync(at)).toEqual([])
    expect(await uploading(target, folder, [manifest])).toMatchObject({ sent: 4, there: 0 })
    for (const [path, text] of Object.entries(files)) expect(lies(at, `rover-1/north/one/files/${path}`)).toBe(text)
    expect(readdirSync(join(at, 'rover-1/north/one')).toSorted()).toEqual(['files', 'manifest.json'])
    // Of an empty file Apache does not say how long it is.
    expect(await uploading(target, folder, [manifest])).toMatchObject({ sent: 1, there: 3 })
  })

  test('of an upload that was broken off are not sent again, though those of another run are', async () => {
    const [folder, { at, url, target }] = [newFolder(), await inside('resumed')]
    const old = layResults(folder, { 'a.txt': 'one', 'b.txt': 'two' })
    await uploading(target, folder, [old])
    const here = join(at, 'rover-1/north/one')
    const long = new Date(Date.now() - 3_600_000)
    for (const name of ['a.txt', 'b.txt']) utimesSync(join(here, 'files', name), long, long)
    // Another run, with files of the same sizes: it breaks off at one that is not what it was.
    const next = layResults(folder, { 'a.txt': 'eno', 'b.txt': 'owt' }, { run: 2 })
    writeFileSync(join(folder, 'north/one/files/b.txt'), 'xxx')
    expect(await faultOf(uploading(await open(url), folder, [next]))).toMatchObject({ code: 'upload.altered' })
    expect(existsSync(join(here, 'manifest.json'))).toBe(false)
    writeFileSync(join(folder, 'north/one/files/b.txt'), 'owt')
    const before = new Date(Date.now() - 1_800_000)
    utimesSync(join(here, 'manifest.json.sending'), before, before)
    writeFileSync(join(here, 'files/a.txt'), 'eno') // As the first try may have left it.
    expect(await uploading(await open(url), folder, [next])).toMatchObject({ sent: 2, there: 1 })
    expect([lies(here, 'files/a.txt'), lies(here, 'files/b.txt')]).toEqual(['eno', 'owt'])
  })

  test('go on after a connection was cut, and lie there whole', async () => {
    const proxy = await layCutWire(apache.port, { cuts: 2, after: 300_000 })
    onTestFinished(proxy.stop)
    const [folder, { at }] = [newFolder(), await inside('cut')]
    const target = await open(`http://127.0.0.1:${proxy.port}/dav/cut`)
    const big = randomBytes(3_000_000).toString('hex')
    const came = await uploading(target, folder, [layResults(folder, { big })])
    expect(proxy.left()).toBe(0)
    expect(lies(at, 'rover-1/north/one/files/big')).toBe(big)
    expect(came.said).toContainEqual(expect.stringMatching(/did not take .*big.*again in/))
  })

  test('are sent no further once that is to stop', async () => {
    const wire = await layWire(apache.port)
    onTestFinished(wire.stop)
    const [folder, stop] = [newFolder(), new AbortController()]
    await inside('stopped')
    const target = await open(`http://127.0.0.1:${wire.port}/dav/stopped`)
    void wire.passed('up', 300_000).then(() => {
      wire.hold()
      stop.abort(new Error('the host stops'))
    })
    const sending = uploading(target, folder, [layResults(folder, { big: randomBytes(3_000_000) })], {
      signal: stop.signal,
    })
    await expect(sending).rejects.toThrow('the host stops')
  })

  test('are refused with what to do where the login is wrong, the folder is missing, or the address leads elsewhere', async () => {
    const folder = newFolder()
    const manifest = layResults(folder, files)
    const wrong = await open(apache.url, 'another-secret')
    for (const act of [() => wrong.probe(signal), () => uploading(wrong, folder, [manifest])])
      expect(await faultOf(act(), 'another-secret')).toMatchObject({
        code: 'upload.refused',
        message: expect.stringMatching(/401.*Set a new cloud link/),
      })
    const nowhere = await open(`${apache.url}nowhere/at/all`)
    expect(await faultOf(uploading(nowhere, folder, [manifest]))).toMatchObject({
      code: 'upload.refused',
      message: expect.stringMatching(/409.*the place is not there/),
    })
  })

  test('are sent to nobody to whom a redirect leads, and no login is', async () => {
    const asked: (string | undefined)[] = []
    const thief = createServer(({ headers }, answer) => {
      asked.push(headers.authorization)
      answer.end()
    })
    await once(thief.listen(0, '127.0.0.1'), 'listening')
    const away = createServer((_, answer) => {
      answer.writeHead(307, { location: `http://127.0.0.1:${(thief.address() as AddressInfo).port}/` }).end()
    })
    await once(away.listen(0, '127.0.0.1'), 'listening')
    onTestFinished(() => void [thief.close(), away.close()])
    const target = await open(`http://127.0.0.1:${(away.address() as AddressInfo).port}/`)
    const folder = newFolder()
    for (const act of [() => target.probe(signal), () => uploading(target, folder, [layResults(folder, files)])])
      expect(await faultOf(act())).toMatchObject({
        code: 'upload.refused',
        message: expect.stringMatching(/not followed/),
      })
    expect(asked).toEqual([])
  })
})
