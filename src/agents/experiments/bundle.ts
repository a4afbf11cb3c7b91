import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, mkdtemp, readdir, readlink, rename, rm, stat, symlink } from 'node:fs/promises'
import { dirname, join, normalize } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { extract, type Header, type Pack, pack } from 'tar-stream'
import type { Bus } from '#bus/bus'
import { Fault } from '#bus/fault'
import { patiently } from '#bus/patience'

/** A bundle, and whose bucket it lies in. */
type From = { readonly host: string; readonly bundle: string }

/** Folders that travel over the bus, as tar archives in buckets. Where the bus is away, they wait until it is back. */
export type Bundles = {
  /** Whose bucket things are put into here. */
  readonly host: string
  /** Puts what lies in a folder into this host's bucket, and gives its digest: the same for the same content. */
  readonly put: (
    folder: string,
    options: { readonly except?: readonly string[]; readonly signal: AbortSignal },
  ) => Promise<string>
  /**
   * Takes it out of a host's bucket, and puts it in the place of `into` as a whole; what lies there under a name of `keep` stays.
   * Only files, folders, and links that stay inside are taken; anything else is a fault.
   */
  readonly get: (from: From, into: string, signal: AbortSignal, keep?: readonly string[]) => Promise<void>
}

/** Bundles of one host; `scratch` is a folder for archives while they are made. */
export const openBundles = ({ buckets }: Pick<Bus, 'buckets'>, host: string, scratch: string): Bundles => ({
  host,

  put: async (folder, { except = [], signal }) => {
    await mkdir(scratch, { recursive: true })
    const own = await mkdtemp(join(scratch, 'bundle-'))
    const archive = join(own, 'bundle.tar')
    try {
      const hash = createHash('sha256')
      const all = pack()
      const adding = addAll(all, folder, '', new Set(except)).then(
        () => all.finalize(),
        (cause: Error) => all.destroy(cause),
      )
      const hashed = async function* (bytes: AsyncIterable<Buffer>) {
        for await (const some of bytes) {
          hash.update(some)
          yield some
        }
      }
      await Promise.all([
        pipeline(Readable.from(all as unknown as AsyncIterable<Buffer>), hashed, createWriteStream(archive), {
          signal,
        }),
        adding,
      ])
      const digest = hash.digest('hex')
      const bytes = () => Readable.toWeb(createReadStream(archive)) as ReadableStream<Uint8Array>
      await patiently(() => buckets.put(host, digest, bytes), signal)
      return digest
    } finally {
      await rm(own, { recursive: true, force: true })
    }
  },

  get: async ({ host: from, bundle }, into, signal, keep = []) => {
    const draft = `${into}.draft`
    try {
      await patiently(async () => {
        await rm(draft, { recursive: true, force: true })
        await mkdir(draft, { recursive: true })
        await unpack(Readable.from(buckets.get(from, bundle, signal)), draft, signal)
      }, signal)
      await putInPlace(draft, into, keep)
    } finally {
      await rm(draft, { recursive: true, force: true })
    }
  },
})

/** Puts a folder in the place of another one. Killed in the midst, it goes on at the next call, and nothing that is kept is lost. */
const putInPlace = async (draft: string, into: string, keep: readonly string[]): Promise<void> => {
  const former = `${into}.former`
  const moveKept = async () => {
    for (const name of keep) await rename(join(former, name), join(into, name)).catch(unlessMissing)
    await rm(former, { recursive: true, force: true })
  }
  await mkdir(dirname(into), { recursive: true })
  // Left by a call that was killed: what it kept belongs to what lies there now, or is that.
  await stat(into).then(moveKept, () => rename(former, into).catch(unlessMissing))
  await rename(into, former).catch(unlessMissing)
  await rename(draft, into)
  await moveKept()
}

const unlessMissing = (cause: NodeJS.ErrnoException): void => {
  if (cause.code !== 'ENOENT') throw cause
}

/** Everything in a folder in one order, without times and owners, so that the same content is the same archive. */
const addAll = async (archive: Pack, root: string, below: string, except: ReadonlySet<string>): Promise<void> => {
  const entries = await readdir(join(root, below), { withFileTypes: true })
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    if (below === '' && except.has(entry.name)) continue
    const name = join(below, entry.name)
    const path = join(root, name)
    const about = { name, mtime: new Date(0), uid: 0, gid: 0 }
    if (entry.isDirectory()) {
      await added(archive, { ...about, type: 'directory' })
      await addAll(archive, root, name, except)
    } else if (entry.isSymbolicLink())
      await added(archive, { ...about, type: 'symlink', linkname: await readlink(path) })
    else if (entry.isFile()) {
      const { size, mode } = await stat(path)
      const header = { ...about, size, mode: mode & 0o777 }
      if (size === 0) await added(archive, header)
      else await pipeline(createReadStream(path, { end: size - 1 }), archive.entry(header))
    }
  }
}

const added = (archive: Pack, headers: Partial<Header> & { readonly name: string }): Promise<void> =>
  new Promise((resolve, reject) => {
    archive.entry(headers, (error) => (error ? reject(error) : resolve()))
  })

const unpack = async (bytes: Readable, into: string, signal: AbortSignal): Promise<void> => {
  const links: { readonly path: string; readonly target: string }[] = []
  const archive = extract()
  const taken = (async () => {
    for await (const entry of archive) {
      const { name, type, linkname, mode = 0o644 } = entry.header
      const path = join(into, insideOf(name, name))
      if (type === 'directory') {
        await mkdir(path, { recursive: true })
        entry.resume()
      } else if (type === 'file') {
        await mkdir(dirname(path), { recursive: true })
        await pipeline(entry, createWriteStream(path, { flags: 'wx', mode: mode & 0o777 }))
      } else if (type === 'symlink' && linkname) {
        insideOf(join(dirname(name), linkname), name, linkname.startsWith('/'))
        links.push({ path, target: linkname })
        entry.resume()
      } else throw new Fault('bundle.odd', `'${name}' in a bundle is a ${type}; expected files and folders`)
    }
  })()
  await Promise.all([pipeline(bytes, archive, { signal }), taken])
  // Last, so that nothing was written through one.
  for (const { path, target } of links) await symlink(target, path)
}

/** A path that stays inside; a fault where it does not. */
const insideOf = (path: string, name: string, isAbsolute = path.startsWith('/')): string => {
  const plain = normalize(path)
  if (isAbsolute || plain === '..' || plain.startsWith('../') || /\p{Cc}/u.test(plain))
    throw new Fault('bundle.odd', `'${name}' in a bundle leads out of its folder`)
  return plain
}
