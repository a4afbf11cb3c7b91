import { subscribe } from 'node:diagnostics_channel'
import { setImmediate as nextTurn } from 'node:timers/promises'

/** By how much a process may grow before it is not used again, in bytes. */
const mostGrown = 512 * 1024 * 1024

/** How often a process is used at most. */
const mostUsed = 1_000

type Before = { readonly resources: ReadonlyMap<string, number>; readonly folder: string }

/** Tells whether an execution left something behind in this process that another one could meet. */
export const watchRemains = () => {
  let spawned = false
  let used = 0
  const size = process.memoryUsage.rss()
  // Whatever it started can be anywhere by now.
  subscribe('child_process', () => {
    spawned = true
  })
  return {
    now: (): Before => ({ resources: resourcesNow(), folder: process.cwd() }),
    /** No process, no timer, no connection, no other folder, no exit code, and not much memory. */
    none: async ({ resources, folder }: Before): Promise<boolean> => {
      used++
      await nextTurn()
      const grown = process.memoryUsage.rss() - size > mostGrown
      const left = resourcesNow()
        .entries()
        .some(([kind, count]) => count > (resources.get(kind) ?? 0))
      return (
        !spawned && !left && !grown && used < mostUsed && process.cwd() === folder && process.exitCode === undefined
      )
    },
  }
}

/** How many there are of each kind of what keeps a process alive. */
const resourcesNow = (): ReadonlyMap<string, number> => {
  const kinds = process.getActiveResourcesInfo().filter((kind) => kind !== 'Immediate')
  return new Map([...Map.groupBy(kinds, (kind) => kind)].map(([kind, some]) => [kind, some.length]))
}
