import { setTimeout as delay } from 'node:timers/promises'

/** How long whoever is left in a group has to end by itself, and how often that is looked at; milliseconds. */
const grace = 500
const lookEvery = 20

/** Sends a signal to every process of a group; false where nobody is left in it. Signal 0 only looks. */
export const signalGroup = (leader: number, signal: NodeJS.Signals | 0): boolean => {
  try {
    return process.kill(-leader, signal)
  } catch {
    return false
  }
}

/** Ends every process of a group, its leader too: TERM, then KILL. Resolves when they are gone, or have been killed. */
export const endGroup = async (leader: number): Promise<void> => {
  if (!signalGroup(leader, 'SIGTERM')) return
  for (let waited = 0; waited < grace; waited += lookEvery) {
    await delay(lookEvery)
    if (!signalGroup(leader, 0)) return
  }
  signalGroup(leader, 'SIGKILL')
}
