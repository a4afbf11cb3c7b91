import { randomUUID } from 'node:crypto'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { digestOfFile, workshop } from './folder.ts'
import type { Promised } from './ledger.ts'
import type { Item, Written } from './resource.ts'

/** A resource as its host sees it: whatever it does there, each of these ends, with a fault at the worst. */
export type Source = {
  /** Hands on all that there is, some at a time. */
  readonly list: (take: (items: readonly Item[]) => void, signal: AbortSignal) => Promise<void>
  /** Writes the bytes of one version into a new file. */
  readonly read: (item: Item, to: string, signal: AbortSignal) => Promise<void>
  readonly write: (path: string, file: Written, overwrite: boolean) => Promise<void>
}

/** A name for a new file in the workshop of a folder. */
export const draftIn = async (root: string): Promise<string> => {
  await mkdir(join(root, workshop), { recursive: true })
  return join(root, workshop, randomUUID())
}

/**
 * Writes a drafted file to the resource that a folder mirrors. What an earlier process of the host had promised and may have
 * written, before it was killed, is known by its bytes: it is not somebody else's, and may be written once more.
 */
export const writeTo = async (
  source: Source,
  root: string,
  { path, digest, size, arrival }: Promised,
  drafted: string,
  earlier: Promised | undefined,
): Promise<void> => {
  const write = (overwrite: boolean) => source.write(path, { file: drafted, size, digest }, overwrite)
  try {
    await write(arrival.overwrite === true)
  } catch (cause) {
    if (!earlier || arrival.overwrite) throw cause
    const found = await digestAt(source, root, path).catch(() => undefined)
    if (found === digest) return
    if (found !== earlier.digest) throw cause
    await write(true)
  }
}

/** What lies at a path of a resource, by its hash; undefined where nothing does. */
const digestAt = async (source: Source, root: string, path: string): Promise<string | undefined> => {
  const found: Item[] = []
  const { signal } = new AbortController()
  await source.list((items) => void found.push(...items.filter((item) => item.path === path)), signal)
  const [item] = found
  if (!item) return undefined
  const file = await draftIn(root)
  try {
    await source.read(item, file, signal)
    return (await digestOfFile(file)).digest
  } finally {
    await rm(file, { force: true })
  }
}
