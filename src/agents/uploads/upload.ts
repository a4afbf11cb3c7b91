import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { reasonOf } from '#bus/fault'
import { name } from '#contracts/names'
import { withBackOff } from '../back-off.ts'
import type { Manifest } from '../containers/manifest.ts'
import { checkFile } from './checked-bytes.ts'
import { passesByItself, uploadFaults } from './upload-faults.ts'
import type { FileByFile, Item, Target } from './upload-target.ts'

export type Upload = {
  readonly target: Target
  /** The folder of a manifest's results: it holds `manifest.json`, and the files under `files`. */
  readonly folderOf: (manifest: Manifest) => string
  readonly manifests: readonly Manifest[]
  /** Told what a person who waits may want to know. */
  readonly say: (line: string) => void
  /** Told how many bytes are there by now, of how many. */
  readonly progress?: ((done: number, all: number) => void) | undefined
  readonly signal: AbortSignal
  /** For how long one file is tried, in milliseconds, where what goes wrong may pass. */
  readonly patience?: number
}

/** How many files are sent at once. */
const atOnce = 4

/**
 * Sends results to where their owner wants them, as `<experiment>/<site>/<node>/files/…`, each `manifest.json` behind its files. Every
 * file is held against its manifest first. What lies there already is not sent again, so a retry goes on where it was. Rejects where
 * a file is not what it was, and where it was refused, or not taken for longer than the patience.
 */
export const upload = async ({ patience = 600_000, progress = () => undefined, ...options }: Upload) => {
  const { target, folderOf, manifests, say, signal } = options
  const ended = new AbortController()
  const until = ended.signal
  const stop = () => ended.abort(signal.reason)
  signal.addEventListener('abort', stop)
  if (signal.aborted) stop()
  const sets = await Promise.all(manifests.map((manifest) => itemsOf(folderOf(manifest), manifest)))
  const items = sets.flatMap(({ files, manifest }) => [...files, manifest])
  const all = items.reduce((sum, { size }) => sum + size, 0)
  const tell = (thrown: unknown, next: number) => say(`${reasonOf(thrown)} · again in ${Math.ceil(next / 1000)} s`)
  const patiently = <T>(act: () => Promise<T>): Promise<T> =>
    withBackOff(act, { within: patience, passing: passesByItself, tell, signal: until })

  let done = 0
  const count = { sent: 0, there: 0 }
  try {
    if (target.takes === 'archive') {
      await inTurns(items, ended, checkFile)
      await patiently(async () => {
        done = 0
        const moved = (bytes: number) => {
          done += bytes
          progress(done, all)
        }
        await target.putAll(items, until, moved)
      })
      count.sent = items.length
    } else {
      const send = async (to: FileByFile, { path, ...sent }: Item): Promise<void> => {
        await checkFile(sent)
        count[await patiently(() => to.put(path, sent, until))]++
        done += sent.size
        progress(done, all)
      }
      for (const { files, manifest } of sets) {
        await patiently(async () => target.begin?.(manifest, until))
        await inTurns(files, ended, (item) => send(target, item))
        await send(target, manifest)
        await patiently(async () => target.end?.(manifest, until))
      }
    }
  } finally {
    signal.removeEventListener('abort', stop)
  }
  say(`${count.sent} files sent to ${target.told}, ${count.there} were there`)
  return { ...count, files: items.length, bytes: all }
}

/** What is sent of one node. The manifest that lies there is the one that is meant, or nothing is. */
const itemsOf = async (here: string, manifest: Manifest) => {
  const { experiment, site, node } = manifest
  for (const one of [experiment, site, node])
    if (!name.safeParse(one).success) throw uploadFaults.altered('The manifest', `'${one}' is no name`)
  const there = `${experiment}/${site}/${node}`
  const file = join(here, 'manifest.json')
  const bytes = await readFile(file).catch((cause: unknown) => {
    throw uploadFaults.altered(file, reasonOf(cause))
  })
  if (!isDeepStrictEqual(parsed(bytes), manifest)) throw uploadFaults.altered(file, 'it says something else now')
  const files = manifest.files.map(({ path, size, sha256 }): Item => {
    return { path: `${there}/files/${path}`, file: join(here, 'files', path), size, sha256 }
  })
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  return { files, manifest: { path: `${there}/manifest.json`, file, size: bytes.length, sha256 } satisfies Item }
}

const parsed = (bytes: Buffer): unknown => {
  try {
    return JSON.parse(bytes.toString())
  } catch {
    return undefined
  }
}

/** Does something with each, a few at once; where one fails, the others are broken off, and have ended when it rejects. */
const inTurns = async <T>(all: readonly T[], ended: AbortController, act: (one: T) => Promise<void>): Promise<void> => {
  const waiting = all.values()
  const takeOn = async () => {
    for (const one of waiting) {
      ended.signal.throwIfAborted()
      await act(one)
    }
  }
  const each = () =>
    takeOn().catch((cause: unknown) => {
      ended.abort(cause) // The first reason is the one that stays.
    })
  await Promise.all(Array.from({ length: atOnce }, each))
  ended.signal.throwIfAborted()
}
