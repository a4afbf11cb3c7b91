import { appendFileSync, createReadStream, existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { copyFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { env } from 'node:process'
import { type Item, pipeline, type Resource, resourceStore } from 'millrace'
import { s3Bucket } from 'millrace/s3'

const never = () => new Promise<never>(() => undefined)

/**
 * A folder as somebody else's system, which misbehaves as the names of files in it say. Whatever is read, and every list, is
 * noted beside it.
 */
const folderOf = (shelf: string): Resource => {
  const there = (name: string) => existsSync(join(shelf, name))
  return {
    async *list() {
      appendFileSync(`${shelf}.lists`, 'list\n')
      if (there('.away'))
        throw new Error('nobody is there', { cause: new Error(readFileSync(join(shelf, '.away'), 'utf8')) })
      if (there('.mute')) await never()
      if (there('.dies')) process.exit(3)
      if (there('.nonsense')) yield { path: 7, version: 'x' } as unknown as Item
      const many = there('.many') ? Number(readFileSync(join(shelf, '.many'), 'utf8')) : 0
      for (let i = 0; i < many; i++) yield { path: `many/${i}`, version: '1', size: 1 }
      for (const path of readdirSync(shelf).filter((name) => !name.startsWith('.'))) {
        const { mtimeNs, size } = statSync(join(shelf, path), { bigint: true })
        yield {
          path: path.replaceAll('%', '/'),
          version: String(mtimeNs),
          size: path.startsWith('lies') ? 7 : Number(size),
        }
      }
    },
    read(path, { signal }) {
      appendFileSync(`${shelf}.reads`, `${path}\n`)
      if (path.startsWith('many/')) return Promise.resolve('x')
      if (path === 'throws') throw new Error('not today')
      if (path === 'hangs')
        return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
      if (path === 'blocks') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
      if (path === 'half') return half()
      return createReadStream(join(shelf, path.replaceAll('/', '%')))
    },
    async write(path, { file }, { overwrite }) {
      const at = join(shelf, path.replaceAll('/', '%'))
      if (!overwrite && existsSync(at)) throw new Error(`${path} is taken`)
      await copyFile(file, `${shelf}.writing`)
      await rename(`${shelf}.writing`, at)
    },
  }
}

async function* half() {
  yield Buffer.from('ha')
  await never()
}

export const shelvesIn = (shelf: string) => {
  const folder = folderOf(shelf)
  return pipeline(
    'root',
    {
      in: resourceStore({ resource: () => folder, path: './mirror', watch: true, every: 50 }),
      closed: resourceStore({ resource: () => ({ list: folder.list, read: folder.read }), path: './closed' }),
      bucket: resourceStore({
        resource: () => s3Bucket({ bucket: 'watched', endpoint: env.MILLRACE_TEST_S3 ?? '' }),
        path: './bucket',
      }),
    },
    () => ({}),
  )
}
