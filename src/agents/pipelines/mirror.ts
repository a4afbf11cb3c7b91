import { rm } from 'node:fs/promises'
import type { Given, openAdmission } from './admission.ts'
import { digestOfFile, inside, settleAt, stampOf } from './folder.ts'
import { originOf } from './origin.ts'
import type { Item } from './resource.ts'
import type { Index } from './store-index.ts'

type Parts = Given & { readonly index: Index } & Pick<ReturnType<typeof openAdmission>, 'keep' | 'turn'>

/** A folder as the mirror of a resource. */
export type Mirror = {
  /** Takes in what was fetched. Bytes that are known are no news, whatever their version; others are recorded as detected. */
  readonly take: (drafted: string, item: Item) => Promise<void>
  /** Whether this version lies here, or is to be left alone. */
  readonly holds: (item: Item) => boolean
  /** Notes a version that was there at the first start and is not to be offered. It is not fetched. */
  readonly ignore: (item: Item) => void
  /** Removes the copy of what has gone, and says so. */
  readonly vanish: (path: string) => Promise<void>
}

/** A folder as the mirror of a resource: which versions lie in it, and how others get there. */
export const openMirror = ({ root, ledger, index, keep, turn }: Parts): Mirror => {
  const take = (drafted: string, { path, version, size: listed }: Item): Promise<void> =>
    turn(path, async () => {
      const { digest, size } = await digestOfFile(drafted)
      if (listed !== undefined && size !== listed)
        throw new Error(`it gave ${size} bytes, and was listed with ${listed}`)
      const file = await inside(root, path)
      const [known, promised] = [ledger.known(path), ledger.promised(path)]
      const lies = async (): Promise<string> => {
        const { modified } = await stampOf(drafted)
        await settleAt(drafted, file)
        return modified
      }
      if (known?.digest === digest) {
        const found = await stampOf(file).catch(() => undefined)
        const whole = found?.size === size && found.modified === known.modified
        ledger.keep({ ...known, modified: whole ? known.modified : await lies(), version })
      }
      // It was written there by whom it was promised, and nobody had time to say so.
      else if (promised?.digest === digest && promised.arrival.how !== 'fetched')
        keep({ ...promised, arrival: { ...promised.arrival, version } }, await lies())
      // No promise is needed: what a kill leaves unrecorded is fetched once more.
      else {
        const arrival = { how: 'fetched', version } as const
        keep({ path, digest, size, origin: originOf(arrival), arrival }, await lies())
      }
    })

  return {
    take,
    holds: ({ path, version }: Item): boolean => ledger.known(path)?.version === version,
    ignore: ({ path, version }: Item): void =>
      ledger.keep({ path, digest: '', size: -1, modified: '', origin: 'seen', fact: null, version }),
    // The copy first: the other way round, a kill would leave it behind.
    vanish: (path: string): Promise<void> =>
      turn(path, async () => {
        await rm(await inside(root, path), { force: true })
        index.gone(path)
      }),
  }
}
