import { createHash } from 'node:crypto'
import { closeSync, openSync, readdirSync, readFileSync, statSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { s3Bucket } from 'millrace/s3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Item, Resource } from '#agents/pipelines/resource'
import { temporaryFolders } from '../processes.ts'
import { mayServeS3, type S3Server, startS3 } from '../s3-server.ts'
import { eventually } from './on-disk.ts'
import { shelfOnDisk } from './shelf.ts'

const newFolder = temporaryFolders()
const { signal } = new AbortController()

describe.runIf(mayServeS3)('a bucket', () => {
  const served = newFolder()
  const files = newFolder()
  let server: S3Server
  beforeAll(async () => {
    server = await startS3(served, ['plain', 'paged', 'large', 'watched'])
  }, 600_000)
  afterAll(() => server?.stop())

  const open = (bucket: string, more = {}) => s3Bucket({ bucket, ...server, ...more })
  const listed = async ({ list }: Resource): Promise<Item[]> => Array.fromAsync(list({ signal }))
  const read = async (resource: Resource, path: string, version: string) =>
    buffer((await resource.read(path, { version, signal })) as AsyncIterable<Uint8Array>)
  const put = async ({ write }: Resource, path: string, text: string, overwrite = false) => {
    const file = join(files, 'draft')
    writeFileSync(file, text)
    await write?.(path, { file, size: Buffer.byteLength(text), digest: '' }, { overwrite, signal })
  }

  test('lists what was put there, under a prefix too, with a version that changes with the bytes', async () => {
    const [whole, part] = [await open('plain'), await open('plain', { prefix: 'deep' })]
    await put(whole, 'a', 'one')
    await put(part, 'ü b/c+d.txt', 'two')
    const [first] = await listed(whole)
    expect(await listed(whole)).toMatchObject([
      { path: 'a', size: 3 },
      { path: 'deep/ü b/c+d.txt', size: 3 },
    ])
    expect(await listed(part)).toMatchObject([{ path: 'ü b/c+d.txt', size: 3 }])
    await put(whole, 'a', 'three', true)
    const [second] = await listed(whole)
    expect(second?.version).not.toBe(first?.version)
    expect((await read(whole, 'a', second?.version ?? '')).toString()).toBe('three')
    await expect(read(whole, 'a', first?.version ?? '')).rejects.toThrow()
  })

  test('what is there is overwritten only where that is said', async () => {
    const bucket = await open('plain')
    await put(bucket, 'taken', 'mine')
    await expect(put(bucket, 'taken', 'yours')).rejects.toThrow('taken is in the bucket plain already')
    expect(readFileSync(join(served, 'plain/taken'), 'utf8')).toBe('mine')
    await put(bucket, 'taken', 'yours', true)
    expect(readFileSync(join(served, 'plain/taken'), 'utf8')).toBe('yours')
  })

  test('more objects than one page holds are listed whole; what looks like a folder is passed over', async () => {
    const bucket = await open('paged')
    const paths = Array.from({ length: 1_003 }, (_, i) => `o${String(i).padStart(4, '0')}`)
    for (let i = 0; i < paths.length; i += 50)
      await Promise.all(
        paths.slice(i, i + 50).map((path) => bucket.write?.(path, empty(), { overwrite: false, signal })),
      )
    await put(bucket, 'folder/', '')
    expect(readdirSync(join(served, 'paged'))).toContain('folder')
    expect((await listed(bucket)).map(({ path }) => path)).toEqual(paths)
  })

  const empty = () => {
    const file = join(files, 'empty')
    writeFileSync(file, '')
    return { file, size: 0, digest: '' }
  }

  test('a file of more than 64 MiB goes in parts and comes back as it was, under the same condition', async () => {
    const bucket = await open('large')
    const file = join(files, 'large')
    const handle = openSync(file, 'w')
    for (let i = 0; i < 70; i++) writeSync(handle, Buffer.alloc(1 << 20, i))
    closeSync(handle)
    const { size } = statSync(file)
    const write = (overwrite: boolean) => bucket.write?.('m', { file, size, digest: '' }, { overwrite, signal })
    await write(false)
    await expect(write(false)).rejects.toThrow('m is in the bucket large already')
    const [item] = await listed(bucket)
    expect(item?.size).toBe(size)
    const hash = createHash('sha256')
    const bytes = (await bucket.read('m', { version: item?.version ?? '', signal })) as AsyncIterable<Uint8Array>
    for await (const chunk of bytes) hash.update(chunk)
    expect(hash.digest('hex')).toBe(createHash('sha256').update(readFileSync(file)).digest('hex'))
  }, 60_000)

  test('a bucket that is not there, and a server that is not there, are said', async () => {
    await expect(listed(await open('nowhere'))).rejects.toThrow(/bucket does not exist/i)
    const nobody = await s3Bucket({ bucket: 'x', ...server, endpoint: 'http://127.0.0.1:9' })
    await expect(listed(nobody)).rejects.toThrow(/ECONNREFUSED/)
  }, 60_000)

  test('as a node: what arrives is detected and mirrored, what is saved lies there, what goes is gone', async () => {
    const { accessKeyId, secretAccessKey } = server.credentials
    Object.assign(process.env, {
      MILLRACE_TEST_S3: server.endpoint,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
    })
    const node = await shelfOnDisk({ node: 'bucket' })
    const theirs = await open('watched')
    node.poll()
    await put(theirs, 'in/a', 'from elsewhere')
    const tells = (line: string) => eventually(async () => (await node.told()).includes(line))
    await tells('detected in/a')
    expect(readFileSync(join(node.folder, 'in/a'), 'utf8')).toBe('from elsewhere')
    const draft = join(node.folder, '.millrace-tmp/mine')
    writeFileSync(draft, 'mine')
    await node.store.admit(draft, 'out/b', { how: 'saved' })
    expect(readFileSync(join(served, 'watched/out/b'), 'utf8')).toBe('mine')
    const { S3Client, DeleteObjectCommand } = await import('@aws-sdk/client-s3')
    const client = new S3Client({ ...server, region: 'us-east-1', forcePathStyle: true })
    await client.send(new DeleteObjectCommand({ Bucket: 'watched', Key: 'in/a' }))
    await tells('gone in/a')
    expect(await node.told()).toEqual(['detected in/a', 'saved out/b', 'gone in/a'])
    expect(readdirSync(join(node.folder, 'out'))).toEqual(['b'])
  }, 60_000)
})
