import { createHash, type Hash } from 'node:crypto'
import { mkdir, open, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { PassThrough } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { extract, type Header } from 'tar-stream'
import { Fault, reasonOf } from '#bus/fault'
import { resultsFolder } from './compose-file.ts'
import { type DockerCli, isAway } from './docker-cli.ts'
import { bytesFor } from './ending.ts'
import type { Manifest } from './manifest.ts'
import { resultPath } from './result-path.ts'

export type Taken = Pick<Manifest, 'files' | 'refused'>

type Limits = { readonly bytes: number; readonly files: number }

/** So many refusals are told one by one. */
const mostRefused = 1_000

/** How much is read of what is refused, at least, before all that comes behind it is given up; in bytes. */
const mostPassed = 256 * 1024 * 1024

/**
 * Takes what a container left in `/results` into a new folder: regular files and folders, never a link or a device, nothing that
 * leads out of the folder or is beyond a limit. What is not taken is told with the reason, and the rest is taken. Files are hashed
 * on their way, and never held in memory.
 */
export const takeResults = async (
  docker: DockerCli,
  id: string,
  into: string,
  limits: Limits,
  signal: AbortSignal,
): Promise<Taken> => {
  await rm(into, { recursive: true, force: true })
  await mkdir(into, { recursive: true })
  const enough = new AbortController()
  const archive = new PassThrough({ highWaterMark: 1024 * 1024 })
  const unpacking = unpack(archive, into, limits).finally(() => {
    if (!archive.readableEnded) enough.abort()
  })
  // What docker says against itself counts, even where the archive looks whole.
  const copying = docker
    .stream(['cp', `${id}:${resultsFolder}`, '-'], {
      signal: AbortSignal.any([signal, enough.signal]),
      output: archive,
    })
    .then(
      () => void archive.end(),
      (thrown: Error) => {
        archive.destroy(thrown)
        if (!enough.signal.aborted) throw thrown
      },
    )
  const [taken] = await Promise.all([unpacking, copying]).catch((thrown) => {
    // A container without this folder, or one that is gone, has given no results; that is no fault of ours.
    const isOurs = thrown instanceof Fault && thrown.code.startsWith('results.')
    if (!isOurs && !isAway(thrown) && /no such file|could not find the file|no such container/i.test(reasonOf(thrown)))
      return [{ files: [], refused: [] }]
    throw thrown
  })
  return taken
}

/** Takes the files out of an archive. Exported for those who have one that no container gave. */
export const unpack = async (archive: AsyncIterable<unknown>, into: string, limits: Limits): Promise<Taken> => {
  const [files, refused]: [Manifest['files'], Manifest['refused']] = [[], []]
  let [bytes, entries, passed, unsaid] = [0, 0, 0, 0]
  const refuse = (path: string, reason: string) => {
    if (refused.length < mostRefused) refused.push({ path: path.slice(0, 500), reason })
    else unsaid++
  }
  const tar = extract()
  const feeding = pipeline(archive, tar)
  feeding.catch(() => undefined) // The loop below says so.
  for await (const entry of tar) {
    const { header } = entry
    const path = header.name.replace(/^results\/?/, '').replace(/\/$/, '')
    const why = path === '' && header.type === 'directory' ? undefined : unfit(path, header)
    const beyond =
      entries >= limits.files
        ? `there are more than ${limits.files} files and folders`
        : bytes + (header.size ?? 0) > limits.bytes
          ? `the results hold more than ${bytesFor(limits.bytes)}`
          : undefined
    if (path !== '') entries++
    if (why ?? beyond) {
      refuse(path, why ?? beyond ?? '')
      passed += header.size ?? 0
      if (passed > Math.max(limits.bytes, mostPassed) || entries > limits.files * 2 + mostRefused) {
        refuse('…', 'what comes behind it was not looked at')
        break
      }
      entry.resume()
    } else if (header.type === 'directory') {
      await mkdir(join(into, path), { recursive: true }).catch((thrown) => refuse(path, clash(thrown)))
      entry.resume()
    } else {
      const sha256 = await write(entry as AsyncIterable<Buffer>, into, path).catch((thrown) => {
        refuse(path, clash(thrown))
        entry.resume()
        return undefined
      })
      if (sha256 === undefined) continue
      const size = header.size ?? 0
      bytes += size
      files.push({ path, size, sha256 })
    }
  }
  if (unsaid > 0) refused.push({ path: '…', reason: `and ${unsaid} more` })
  return { files: files.toSorted((a, b) => (a.path < b.path ? -1 : 1)), refused }
}

/** Why an entry can't be a result, whatever there is beside it. */
const unfit = (path: string, { type, linkname }: Header): string | undefined => {
  if (type === 'symlink') return `it is a link, to ${(linkname ?? '').slice(0, 200)}`
  if (type === 'link') return `it is a hard link, to ${(linkname ?? '').slice(0, 200)}`
  if (type !== 'file' && type !== 'contiguous-file' && type !== 'directory') return `it is a ${type ?? 'thing unknown'}`
  return resultPath(path)
}

/** Writes a file that is not there, and gives its SHA-256. Fails before it reads anything where there is one. */
const write = async (entry: AsyncIterable<Buffer>, into: string, path: string): Promise<string> => {
  await mkdir(join(into, dirname(path)), { recursive: true })
  const file = await open(join(into, path), 'wx', 0o644)
  const hash = createHash('sha256')
  try {
    await file.writeFile(hashed(entry, hash))
  } finally {
    await file.close()
  }
  return hash.digest('hex')
}

async function* hashed(chunks: AsyncIterable<Buffer>, hash: Hash): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) {
    hash.update(chunk)
    yield chunk
  }
}

/** What of a failed write is the entry's own doing; all else, such as a full disk, is thrown on. */
const clash = (thrown: unknown): string => {
  const code = Object(thrown).code as string | undefined
  if (code === 'EEXIST' || code === 'ENOTDIR' || code === 'EISDIR') return 'something of this name was taken before'
  if (code === 'ENAMETOOLONG' || code === 'EILSEQ' || code === 'EINVAL')
    return 'this machine can have no file of this name'
  throw new Fault('results.disk', `The results can't be kept here: ${reasonOf(thrown)}. Make room, and retry`, {
    cause: thrown,
  })
}
