import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { freePort, millrace, processesWith, type Started, stop } from '../test/processes.ts'

/** Starts `up` with everything in a folder of its own, runs something beside it, and stops it. */
export const besideUp = async <T>(
  folder: string,
  config: string,
  act: (up: Started) => Promise<T>,
  env: Readonly<Record<string, string>> = {},
): Promise<T> => {
  const [port, natsPort] = [await freePort(2), await freePort()]
  const where = ['--base', folder, '--state', `${folder}/state`]
  const ports = ['--port', `${port}`, '--nats-port', `${natsPort}`]
  const up = millrace(['up', config, ...where, ...ports, '--no-demonstration'], env)
  try {
    await up.says(/Ctrl-C stops/)
    return await act(up)
  } finally {
    await stop(up)
  }
}

/** Seconds of a core that all processes which name a folder have used so far, by id. */
const usedBy = (folder: string): Map<number, number> =>
  new Map(
    processesWith(folder).flatMap(({ pid }): [number, number][] => {
      const ticks = ticksOf(pid)
      return ticks === undefined ? [] : [[pid, ticks / 100]]
    }),
  )

/** User and system time of a process, in hundredths of a second; undefined where it has ended. */
const ticksOf = (pid: number): number | undefined => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name, in parentheses, may hold anything; user and system time are the 12th and 13th field behind it.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return Number(fields[11]) + Number(fields[12])
  } catch {
    return undefined
  }
}

/** The share of a core that all processes which name a folder use over some seconds. */
export const shareOfCore = async (folder: string, seconds: number): Promise<{ share: number; processes: number }> => {
  const before = usedBy(folder)
  await delay(seconds * 1000)
  const after = usedBy(folder)
  let used = 0
  for (const [pid, time] of after) used += time - (before.get(pid) ?? 0)
  return { share: used / seconds, processes: after.size }
}
