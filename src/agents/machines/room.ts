import { dirname } from 'node:path'
import type { Disk } from '#contracts/disk'
import type { Machine } from './machine.ts'
import { placeOf } from './place-of.ts'

/**
 * How much room there is where a folder lies on a machine; of one that is not there yet, where it will be made. Undefined where df
 * does not say so; rejects where the machine can't be asked.
 */
export const roomAt = async (machine: Machine, folder: string, signal: AbortSignal): Promise<Disk | undefined> => {
  const place = placeOf(folder)
  let last = ''
  const hear = (stream: string, line: string) => {
    if (stream === 'stdout') last = line
  }
  const { code } = await machine.run(['df', '-Pk', '--', place], { signal, hear })
  if (code === 0) return diskIn(last)
  if (place === '/' || place === './') return undefined
  const above = dirname(place)
  return roomAt(machine, above === '.' ? '~' : above, signal)
}

/** A line of df, as POSIX has it: the device's name, which may have spaces, blocks of 1024 bytes, used, free, how full, where. */
const diskIn = (line: string): Disk | undefined => {
  const [, total, free] = /\s(\d+)\s+\d+\s+(-?\d+)\s+(?:\d+%|-)\s/.exec(line) ?? []
  return total === undefined ? undefined : { free: Math.max(0, Number(free)) * 1024, total: Number(total) * 1024 }
}
