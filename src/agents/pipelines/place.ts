import { stat } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import type { Index } from './store-index.ts'

/** How often a watched folder is looked at as a whole, in milliseconds: nothing tells of what is mounted over it. */
const lookEvery = 1_000

/** Begins the place of a folder that can't be looked at now. */
const unseen = 'unseen: '

/** Which folder lies at a path, where one does; one that was made anew is another one. */
export const placeOf = (root: string): Promise<string | undefined> =>
  stat(root, { bigint: true }).then(
    (found) => (found.isDirectory() ? `${found.dev}-${found.ino}-${found.birthtimeNs}` : undefined),
    ({ code }: NodeJS.ErrnoException) => (code === 'ENOENT' || code === 'ENOTDIR' ? undefined : `${unseen}${code}`),
  )

/** Whether a place says which folder lies there. */
export const isSeen = (place: string | undefined): place is string => place !== undefined && !place.startsWith(unseen)

/** A place as a later start of this machine finds it, when devices may have other numbers. */
export const lasting = (place: string): string => place.slice(place.indexOf('-') + 1)

/** How long what is missing in another folder may take to come back: so many times as long as a file must stand still. */
const patient = 120
const patienceAtLeast = 1_000
const patienceAtMost = 600_000

/** Watches the folder that lies at a place until the signal aborts; what is missing there has so many milliseconds to come back. */
export type Watch = (
  place: string | undefined,
  patience: number,
  signal: AbortSignal,
) => Promise<{ readonly ended: Promise<void> }>

type Given = {
  readonly root: string
  /** Which folder had been looked through, and what is said of it: kept on disk, so also what an earlier process knew. */
  readonly kept: Pick<Index, 'place' | 'keepPlace' | 'failing' | 'back'>
  /** How long a file must stand still until it is taken, in milliseconds. */
  readonly settle: number
  readonly watch: Watch
  readonly say: (line: string) => void
  readonly signal: AbortSignal
}

/**
 * Watches whatever folder lies at a path until `signal` aborts. One that is removed, moved, mounted or made anew is looked
 * through as at a start, but what is missing has some time to come back. Resolves when the first one has been looked through;
 * `ended` rejects where the system can't watch one.
 */
export const watchPlace = async ({
  root,
  kept,
  settle,
  watch,
  say,
  signal,
}: Given): Promise<{ readonly ended: Promise<void> }> => {
  const patience = Math.min(patienceAtMost, Math.max(patienceAtLeast, patient * settle))
  /** Watches what lies there now. Until what is missing had its time to come back, a start finds another folder here, too. */
  const begin = async (place: string | undefined, missing: number) => {
    const stop = new AbortController()
    const until = AbortSignal.any([signal, stop.signal])
    const { ended } = await watch(place, missing, until)
    if (place !== undefined && !signal.aborted) {
      kept.back()
      // What can't be kept now is kept by another start.
      delay(missing, undefined, { signal: until, ref: false })
        .then(() => kept.keepPlace(lasting(place)))
        .catch(() => undefined)
    }
    return { place, ended, until, stop: () => stop.abort() }
  }

  /** Resolves with what lies there once it is something else; with nothing where nothing does, or when `until` aborts. */
  const other = async (than: string | undefined, until: AbortSignal): Promise<string | undefined> => {
    while (!until.aborted) {
      await delay(lookEvery, undefined, { signal: until }).catch(() => undefined)
      const found = await placeOf(root)
      if (found !== than && !found?.startsWith(unseen)) return found
    }
    return undefined
  }

  const sayOther = () => {
    const fate = `recorded as gone unless it is back in ${patience / 1_000} s`
    say(`its folder ${root} is another one than before, and is looked through. What is missing is ${fate}`)
  }

  const follow = async (first: Awaited<ReturnType<typeof begin>>): Promise<void> => {
    for (let watching = first; ; watching = await begin(await placeOf(root), patience)) {
      const found = await Promise.race([other(watching.place, watching.until), watching.ended])
      watching.stop()
      if (signal.aborted) return
      if (found) sayOther()
      else {
        say(`its folder ${root} is not there. Nothing in it is gone until another folder is there without it`)
        kept.failing(`its folder ${root} is not there`)
        await other(undefined, signal)
        if (signal.aborted) return
        say(`its folder ${root} is there again, and is looked through`)
      }
    }
  }

  const place = await placeOf(root)
  const known = kept.place()
  // A disk that is not mounted yet, or a folder that was made anew while nobody looked.
  const isOther = known !== undefined && place !== undefined && lasting(place) !== known
  if (isOther) sayOther()
  return { ended: follow(await begin(place, isOther ? patience : 0)) }
}
