import type { Manifest } from '../containers/manifest.ts'
import { readManifestOf } from './check-results.ts'

/** What a run has left, as it is asked for: its files in the order of their paths, and each by its path. */
export type Listing = Pick<Manifest, 'partial' | 'files' | 'refused'> & {
  readonly fileAt: (path: string) => Manifest['files'][number] | undefined
}

/**
 * Gives the listing of the results in a folder, by the hash of their manifest. Each manifest is read once while it is asked for: those
 * that were asked for last are kept, of `most` files in all; a larger one is kept alone.
 */
export const keepListings = (most = 200_000, read = readManifestOf) => {
  const kept = new Map<string, Promise<Listing>>()
  const sizes = new Map<string, number>()
  const forget = (hash: string) => {
    kept.delete(hash)
    sizes.delete(hash)
  }
  /** Forgets those that nobody has asked for the longest. */
  const makeRoom = () => {
    let all = sizes.values().reduce((sum, size) => sum + size, 0)
    for (const hash of kept.keys()) {
      if (all <= most || kept.size === 1) return
      all -= sizes.get(hash) ?? 0
      forget(hash)
    }
  }
  return async (folder: string, hash: string): Promise<Listing> => {
    const found = kept.get(hash) ?? read(folder, hash).then(listingOf)
    kept.delete(hash)
    kept.set(hash, found)
    try {
      const listing = await found
      if (kept.has(hash)) sizes.set(hash, listing.files.length)
      makeRoom()
      return listing
    } catch (cause) {
      forget(hash)
      throw cause
    }
  }
}

const listingOf = ({ partial, files, refused }: Manifest): Listing => {
  const all = new Map(files.map((file) => [file.path, file]))
  const inOrder = files.toSorted((a, b) => (a.path < b.path ? -1 : 1))
  return { partial, files: inOrder, refused, fileAt: (path) => all.get(path) }
}
