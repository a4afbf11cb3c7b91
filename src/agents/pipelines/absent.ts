import { lstatSync } from 'node:fs'
import { join } from 'node:path'
import { isSeen, lasting, placeOf } from './place.ts'
import { isGone } from './stamp.ts'
import type { Store } from './store.ts'

/** How many files are looked for at once. All of a hundred thousand take two seconds of a core, for which nobody waits. */
const atOnce = 1_000

type Options = { readonly say: (line: string) => void; readonly signal: AbortSignal }

/**
 * Looks once which files have been deleted from a folder that nobody watches, and records that they are gone. Only where it is
 * sure to be the folder that they lay in, as it is the same one or some of them lie in it: a disk that is not mounted yet has
 * lost nothing, and nobody would see it come back.
 */
export const lookForAbsent = async (
  { root, list, index }: Pick<Store, 'root' | 'list' | 'index'>,
  { say, signal }: Options,
): Promise<void> => {
  const place = await placeOf(root)
  if (!isSeen(place)) return
  const absent: string[] = []
  let present = 0
  for (let after = ''; ; ) {
    const paths = list(after, atOnce).map(({ path }) => path)
    const gone = await Promise.all(paths.map((path) => isGone(join(root, path))))
    if (signal.aborted) return // The database may be closed by now.
    absent.push(...paths.filter((_, at) => gone[at]))
    present += gone.filter((one) => !one).length
    if (paths.length < atOnce) break
    after = paths.at(-1) as string
  }
  const former = index.lookedAt()
  if (absent.length > 0 && present === 0 && former !== lasting(place)) {
    say(`its folder ${root} has none of the files that were in it: none is recorded as gone, as it may be another one`)
    return
  }
  if ((await placeOf(root)) !== place || signal.aborted) return
  // Of an empty one it can't be told whether it is the folder: it may be where a disk is mounted later.
  if (present > 0) index.keepLookedAt(lasting(place))
  // Once more, without letting go in between: it may just have been saved again.
  for (const path of absent) if (!lies(join(root, path))) index.gone(path)
}

const lies = (file: string): boolean => {
  try {
    return lstatSync(file, { throwIfNoEntry: false }) !== undefined
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code !== 'ENOTDIR' // What can't be looked at now is not gone.
  }
}
