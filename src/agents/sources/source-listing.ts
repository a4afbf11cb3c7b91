import { Fault } from '#bus/fault'
import { type GitCall, git } from './git.ts'
import { sized } from './sized.ts'

/** How much a source may be. */
export type SourceLimits = {
  readonly bytes: number
  readonly files: number
  /** How long all of fetching it may take. */
  readonly milliseconds: number
}

/** The name of a file that came as bytes: what is none in UTF-8 would be another name everywhere else. */
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

const longestEntry = 16_384

/** What a repository would lay on the disk, told before it does: refuses too much of it, and what does not belong in a source. */
export const checkListing = async (limits: SourceLimits, call: GitCall): Promise<void> => {
  const stop = new AbortController()
  const judge = listing(limits)
  let rest: Buffer = Buffer.alloc(0)
  const take = (chunk: Buffer): void => {
    if (stop.signal.aborted) return
    try {
      rest = Buffer.concat([rest, chunk])
      for (let at = rest.indexOf(0); at >= 0; at = rest.indexOf(0)) {
        judge(rest.subarray(0, at))
        rest = rest.subarray(at + 1)
      }
      if (rest.length > longestEntry) throw new Fault('source.bad-name', 'The repository holds a path without an end')
    } catch (refused) {
      stop.abort(refused)
    }
  }
  const args = ['ls-tree', '-r', '-l', '-z', '--full-tree', 'HEAD']
  const { code, lastWords } = await git(args, { ...call, take, signal: AbortSignal.any([call.signal, stop.signal]) })
  // It may have ended before it could be told to.
  stop.signal.throwIfAborted()
  if (code !== 0) throw new Fault('source.broken', `What the repository sent can't be read. Git says:\n${lastWords}`)
}

/** Judges one entry after the other: `100644 blob 45b983be… 3<tab>src/main.py`. */
const listing = (limits: SourceLimits) => {
  let [bytes, files] = [0, 0]
  return (entry: Buffer): void => {
    const tab = entry.indexOf('\t')
    const [mode = '', , , size = ''] = entry.subarray(0, tab).toString('latin1').split(/ +/)
    const path = named(entry.subarray(tab + 1))
    if (mode === '160000')
      throw new Fault(
        'source.submodule',
        `${path} is a submodule, which is not fetched. Put the files that are needed into the repository itself`,
      )
    if (path.split('/').some((part) => /^\.git$/i.test(part)))
      throw new Fault('source.inner-git', `${path} lies in a folder or file named .git. Remove it from the repository`)
    // What was left out on the way, as it alone is larger than all may be, has no size here.
    const own = /^\d+$/.test(size) ? Number(size) : Number.POSITIVE_INFINITY
    if (own > limits.bytes) {
      const how = Number.isFinite(own) ? `${sized(own)}, and all files together may be` : 'larger than'
      throw new Fault('source.too-large', `${path} is ${how} ${sized(limits.bytes)}. ${elsewhere}`)
    }
    bytes += own
    files++
    if (files > limits.files) throw new Fault('source.too-many', `The repository holds more than ${limits.files} files`)
    if (bytes > limits.bytes) throw tooLarge(bytes, limits.bytes)
  }
}

const named = (bytes: Buffer): string => {
  let path: string | undefined
  try {
    path = utf8.decode(bytes)
  } catch {}
  if (path !== undefined && !/[\p{Cc}\p{Zl}\p{Zp}]/u.test(path)) return path
  const shown = JSON.stringify(bytes.toString('latin1').slice(0, 200))
  throw new Fault('source.bad-name', `${shown} is no name that can be kept: use UTF-8 without control characters`)
}

const elsewhere = 'Keep large data elsewhere, and take it out of the repository'

/** A repository that is larger than it may be; in bytes, as far as it was looked at. */
export const tooLarge = (found: number, allowed: number): Fault =>
  new Fault(
    'source.too-large',
    `The repository is too large: at least ${sized(found)}, and ${sized(allowed)} are allowed. ${elsewhere}`,
  )
