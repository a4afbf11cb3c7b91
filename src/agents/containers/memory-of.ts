import { setTimeout as delay } from 'node:timers/promises'
import type Docker from 'dockerode'
import { jsonLines } from './json-lines.ts'

/** An engine notes the end of memory a moment late where much happens: so long it is waited until it is asked once more, in milliseconds. */
const late = 500

/** Tells of a build whether the step that it came to last ran out of memory: it is to hear the build's log, line by line. */
export const memoryOf = (engine: Docker) => {
  const since = Math.floor(Date.now() / 1_000) - 1
  let container = ''
  return {
    hear: (line: string): void => {
      container = /^ ---> Running in ([0-9a-f]{12})$/.exec(line)?.[1] ?? container
    },
    ranOut: async (): Promise<boolean> => {
      for (const pause of container === '' ? [] : [0, late]) {
        await delay(pause)
        const until = Math.ceil(Date.now() / 1_000) + 1
        const filters = JSON.stringify({ container: [container], event: ['oom'] })
        const asked = engine.getEvents({ since, until, filters }).catch(() => [])
        for await (const _ of jsonLines((await asked) as AsyncIterable<Buffer>)) return true
      }
      return false
    },
  }
}
