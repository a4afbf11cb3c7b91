import { randomBytes } from 'node:crypto'
import { createReadStream, existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { extract } from 'tar-stream'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { linkOf, withSecret } from '#agents/uploads/link-of'
import { targetOf } from '#agents/uploads/target-of'
import { freePort, temporaryFolders } from '../processes.ts'
import { mayServeS3, type S3Server, startS3 } from '../s3-server.ts'
import { listenForPosts } from './listeners.ts'
import { presignedPut } from './presigned.ts'
import { faultOf, here, layCutWire, layResults, lies, sha256, uploading } from './results.ts'

const newFolder = temporaryFolders()
const signal = new AbortController().signal
const long = `${'deep/'.repeat(30)}${'ü'.repeat(60)}.csv`
const files = { 'a.txt': 'one', [long]: 'two', empty: '', big: randomBytes(1_000_003) }

const open = (address: string) => {
  const { link, secret } = linkOf(address)
  return targetOf(withSecret(link, 'key'), secret, { directories: undefined, reach: here })
}
const hiddenIn = (address: string): string => new URL(address).searchParams.get('X-Amz-Signature') ?? address

const entriesOf = async (file: string): Promise<Map<string, string>> => {
  const entries = new Map<string, string>()
  for await (const entry of createReadStream(file).pipe(extract()))
    entries.set(entry.header.name, sha256(await buffer(entry)))
  return entries
}

describe.runIf(mayServeS3)('results at a signed address', () => {
  const served = newFolder()
  let server: S3Server
  beforeAll(async () => {
    server = await startS3(served, ['results'])
  }, 600_000)
  afterAll(() => server?.stop())

  test('lie there as one archive with all files and manifests in it', async () => {
    const folder = newFolder()
    const manifests = [layResults(folder, files), layResults(folder, { b: 'three' }, { node: 'two' })]
    const target = await open(presignedPut(server, '/results/carol.tar'))
    await target.probe(signal)
    expect(await uploading(target, folder, manifests)).toMatchObject({ sent: 7, files: 7 })
    const entries = await entriesOf(join(served, 'results/carol.tar'))
    for (const [path, bytes] of Object.entries(files))
      expect(entries.get(`rover-1/north/one/files/${path}`)).toBe(sha256(bytes))
    expect([...entries.keys()].filter((name) => name.endsWith('manifest.json'))).toEqual([
      'rover-1/north/one/manifest.json',
      'rover-1/north/two/manifest.json',
    ])
    expect(entries.get('rover-1/north/one/manifest.json')).toBe(sha256(lies(folder, 'north/one/manifest.json')))
  })

  test('are sent anew after a connection was cut', async () => {
    const address = presignedPut(server, '/results/cut.tar')
    const proxy = await layCutWire(Number(new URL(address).port), { cuts: 2, after: 300_000 })
    onTestFinished(proxy.stop)
    // The signature holds for the address by which the server is known: so it is given that of the wire.
    const wired = presignedPut({ ...server, endpoint: `http://127.0.0.1:${proxy.port}` }, '/results/cut.tar')
    const folder = newFolder()
    const came = await uploading(await open(wired), folder, [layResults(folder, files)])
    expect(proxy.left()).toBe(0)
    expect(came.said).toContainEqual(expect.stringMatching(/did not take the results: .*again in/))
    expect((await entriesOf(join(served, 'results/cut.tar'))).size).toBe(5)
    expect(came.said.join()).not.toContain(hiddenIn(wired))
  })

  test('that were altered are not sent', async () => {
    const address = presignedPut(server, '/results/altered.tar')
    const folder = newFolder()
    const manifest = layResults(folder, files)
    writeFileSync(join(folder, 'north/one/files/a.txt'), 'eno')
    const fault = await faultOf(uploading(await open(address), folder, [manifest]), hiddenIn(address))
    expect(fault).toMatchObject({ code: 'upload.altered' })
    expect(existsSync(join(served, 'results/altered.tar'))).toBe(false)
  })

  test('for which the address has expired are not sent, and when it did is told', async () => {
    const address = presignedPut(server, '/results/old.tar', { from: new Date('2026-01-01T00:00:00Z'), seconds: 60 })
    const folder = newFolder()
    const target = await open(address)
    for (const act of [() => target.probe(signal), () => uploading(target, folder, [layResults(folder, files)])])
      expect(await faultOf(act(), hiddenIn(address))).toMatchObject({
        code: 'upload.expired',
        message: expect.stringMatching(/has expired at 2026-01-01T00:01:00.000Z. Set a new cloud link, and retry/),
      })
  })

  test('for which the signature is wrong are refused at once', async () => {
    const address = presignedPut(server, '/results/wrong.tar').replace(/.$/, (last) => (last === '0' ? '1' : '0'))
    const folder = newFolder()
    const small = [layResults(folder, { 'a.txt': 'one' })]
    const fault = await faultOf(uploading(await open(address), folder, small), hiddenIn(address))
    expect(fault).toMatchObject({ code: 'upload.refused', message: expect.stringMatching(/403.*Set a new cloud link/) })
  })

  test('where nobody answers are seen by the probe', async () => {
    const target = await open(`http://127.0.0.1:${await freePort()}/x?sig=a-secret-of-tests`)
    expect(await faultOf(target.probe(signal))).toMatchObject({ code: 'upload.unavailable' })
  })
})

test.each([
  [507, 'upload.refused', 'there is no room for it. Make room there, and retry'],
  [413, 'upload.refused', 'there is no room for it'],
  [404, 'upload.refused', 'the place is not there'],
  [429, 'upload.unavailable', 'did not take the results: it answered 429'],
  [503, 'upload.unavailable', 'did not take the results: it answered 503'],
])('a server that answers with %i is told as %s', async (status, code, words) => {
  const { url } = await listenForPosts(() => status)
  const folder = newFolder()
  const manifests = [layResults(folder, { 'a.txt': 'one' })]
  const fault = await faultOf(
    uploading(await open(`${url}?sig=a-secret-of-tests`), folder, manifests, { patience: 300 }),
  )
  expect(fault).toMatchObject({ code, message: expect.stringContaining(words) })
})
