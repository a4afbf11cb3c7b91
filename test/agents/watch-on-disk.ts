import { watchStore } from '#agents/pipelines/watch'
import { eventually, storeOnDisk } from './on-disk.ts'

type Disk = Parameters<typeof storeOnDisk>[1]

/** A store whose folder can be watched: `seen` resolves once a path has been detected so often. */
export const watched = async (settle = 60, before: Disk = {}, ignoreExisting = false) => {
  const disk = await storeOnDisk('root/in', before)
  const seen = (path: string, times = 1) =>
    eventually(async () => {
      const found = (await disk.facts()).filter((fact) => fact.path === path && fact.type === 'artifact.detected')
      return found.length >= times && found.at(-1)
    })
  const begin = (hidden = false) => watchStore(disk.store, { settle, hidden, ignoreExisting, signal: disk.signal })
  return { ...disk, begin, seen }
}
