import { randomBytes } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { linkOf, withSecret } from '#agents/uploads/link-of'
import { targetOf } from '#agents/uploads/target-of'
import { freePort, temporaryFolders } from '../processes.ts'
import { mayServeS3, type S3Server, startS3 } from '../s3-server.ts'
import { faultOf, here, layCutWire, layResults, lies, sha256, uploading } from './results.ts'

const newFolder = temporaryFolders()
const signal = new AbortController().signal
const files = { 'a.txt': 'one', 'deep/ü b+c.csv': 'two', empty: '' }
const secret = 'a-secret-of-tests'

describe.runIf(mayServeS3)('results in a bucket', () => {
  const served = newFolder()
  let server: S3Server
  beforeAll(async () => {
    server = await startS3(served, ['results'])
  }, 600_000)
  afterAll(() => server?.stop())

  const open = (place = 'results/carol', { endpoint = server.endpoint, password = secret } = {}) => {
    const { link, secret: kept } = linkOf(`s3://tester:${password}@${place}?endpoint=${endpoint}`)
    return targetOf(withSecret(link, 'key'), kept, { directories: undefined, reach: here })
  }

  test('lie there as they were, and are not sent again', async () => {
    const [folder, target] = [newFolder(), await open()]
    const manifest = layResults(folder, files)
    await target.probe(signal)
    expect(await uploading(target, folder, [manifest])).toMatchObject({ sent: 4, there: 0 })
    const at = join(served, 'results/carol/rover-1/north/one')
    for (const [path, text] of Object.entries(files)) expect(lies(at, `files/${path}`)).toBe(text)
    expect(lies(at, 'manifest.json')).toBe(lies(folder, 'north/one/manifest.json'))
    expect(readdirSync(join(served, 'results/carol'))).toEqual(['rover-1'])
    expect(await uploading(target, folder, [manifest])).toMatchObject({ sent: 0, there: 4 })
  })

  test('of the same size with other bytes are sent again', async () => {
    const [folder, target] = [newFolder(), await open('results/twice')]
    await uploading(target, folder, [layResults(folder, { 'a.txt': 'one' })])
    expect(await uploading(target, folder, [layResults(folder, { 'a.txt': 'two' }, { run: 2 })])).toMatchObject({
      sent: 2,
    })
    expect(lies(served, 'results/twice/rover-1/north/one/files/a.txt')).toBe('two')
  })

  test('that are large go in parts, and are found again by their digest', async () => {
    const [folder, target] = [newFolder(), await open('results/large')]
    const large = randomBytes(65 * 1024 * 1024)
    const manifest = layResults(folder, { large })
    expect(await uploading(target, folder, [manifest])).toMatchObject({ sent: 2 })
    expect(statSync(join(served, 'results/large/rover-1/north/one/files/large')).size).toBe(large.length)
    expect(await uploading(target, folder, [manifest])).toMatchObject({ there: 2 })
  })

  test('go on where they were after a connection was cut', async () => {
    const proxy = await layCutWire(Number(new URL(server.endpoint).port), { cuts: 2, after: 200_000 })
    onTestFinished(proxy.stop)
    const [folder, target] = [newFolder(), await open('results/cut', { endpoint: `http://127.0.0.1:${proxy.port}` })]
    const big = randomBytes(1_000_000)
    const came = await uploading(target, folder, [layResults(folder, { big, small: 'one' })])
    // One may have been stored, though nobody heard so.
    expect(came.sent + came.there).toBe(3)
    expect(sha256(readFileSync(join(served, 'results/cut/rover-1/north/one/files/big')))).toBe(sha256(big))
    expect(proxy.left()).toBe(0)
    expect(came.said).toContainEqual(expect.stringMatching(/did not take .*big: .*again in/))
  })

  test('that were altered are not sent', async () => {
    const [folder, target] = [newFolder(), await open('results/altered')]
    const manifest = layResults(folder, { 'a.txt': 'one' })
    writeFileSync(join(folder, 'north/one/files/a.txt'), 'eno')
    expect(await faultOf(uploading(target, folder, [manifest]))).toMatchObject({ code: 'upload.altered' })
    expect(existsSync(join(served, 'results/altered'))).toBe(false)
  })

  test('for which the keys or the bucket are wrong are refused at once, with what to do', async () => {
    const folder = newFolder()
    const manifest = layResults(folder, files)
    const wrong = await open('results', { password: 'another-secret' })
    const nowhere = await open('nowhere')
    for (const act of [() => wrong.probe(signal), () => uploading(wrong, folder, [manifest])]) {
      const fault = await faultOf(act(), 'another-secret')
      expect(fault).toMatchObject({
        code: 'upload.refused',
        message: expect.stringMatching(/SignatureDoesNotMatch.*Set a new cloud link, and retry/),
      })
    }
    for (const act of [() => nowhere.probe(signal), () => uploading(nowhere, folder, [manifest])])
      expect(await faultOf(act())).toMatchObject({
        code: 'upload.refused',
        message: expect.stringMatching(/there is no bucket nowhere/),
      })
  })

  test('are told to wait for a server that is away, no longer than the patience', async () => {
    const [folder, target] = [newFolder(), await open('results', { endpoint: `http://127.0.0.1:${await freePort()}` })]
    const fault = await faultOf(uploading(target, folder, [layResults(folder, files)], { patience: 600 }))
    expect(fault).toMatchObject({ code: 'upload.unavailable', message: expect.stringMatching(/ECONNREFUSED.*retry/) })
  })
})
