import { reasonOf } from '#bus/fault'
import type { ResultList } from '#contracts/result-files'
import type { Listing } from './keep-listings.ts'

type Set = ResultList['sets'][number]
type Listed = Pick<Set, 'site' | 'node' | 'run' | 'problem'> & { readonly listing: Listing }

/** What is listed where it can't be told what there is. */
const nothing: Listing = { partial: true, files: [], refused: [], fileAt: () => undefined }

/** The listing of each; of several, one that can't be told says why, and hides no others. */
export const listEach = async <Of extends { readonly list: () => Promise<Listing> }>(sets: readonly Of[]) =>
  Promise.all(
    sets.map(async (set): Promise<Of & Pick<Listed, 'listing' | 'problem'>> => {
      try {
        return { ...set, listing: await set.list() }
      } catch (cause) {
        if (sets.length === 1) throw cause
        return { ...set, listing: nothing, problem: reasonOf(cause) }
      }
    }),
  )

/** How many files of each end node one answer lists, and of how many that were left behind it says why. */
const [mostFiles, mostRefused] = [500, 100]

/** How many bytes of JSON all of them may take, so that the answer fits a message of the bus. */
const largest = 500_000

/**
 * What has been brought home of some end nodes, some files of each from behind a path on. Of one end node alone there is always a file
 * where there are any; of several, one whose turn does not come begins with the next page.
 */
export const pageOf = (sets: readonly Listed[], after: string): Set[] => {
  let left = largest
  const fitting = <Item>(items: readonly Item[], room: number): Item[] => {
    const some: Item[] = []
    let bytes = 0
    for (const item of items) {
      const more = Buffer.byteLength(JSON.stringify(item)) + 1
      if (bytes + more > room) break
      bytes += more
      some.push(item)
    }
    left -= bytes
    return some
  }
  return sets.map(({ site, node, run, problem, listing: { partial, files, refused } }) => {
    const behind = after === '' ? 0 : files.findIndex(({ path }) => path > after)
    const first = behind < 0 ? files.length : behind
    const leftBehind = after === '' ? fitting(refused.slice(0, mostRefused), left / 2) : []
    const some = fitting(files.slice(first, first + mostFiles), left)
    const next = first + some.length < files.length ? (some.at(-1)?.path ?? after) : null
    return {
      site,
      node,
      run,
      partial,
      count: files.length,
      files: some,
      refused: leftBehind,
      next,
      ...(problem && { problem }),
    }
  })
}
