import { setTimeout as delay } from 'node:timers/promises'
import type Docker from 'dockerode'
import { jsonLines } from './json-lines.ts'

/** An engine notes the end of memory a moment late where much happens: so long it is waited until it is asked once more, in milliseconds. */
const late = 500

/** How long an engine is asked at most, in milliseconds. */
const askedFor = 5_000

/** Whether the engine has noted that a container ran out of memory, within the last so many milliseconds by its own clock. */
const hasEnded = async (engine: Docker, container: string, within: number): Promise<boolean> => {
  try {
    const now = Date.parse((await engine.info()).SystemTime) / 1_000
    const [since, until] = [Math.floor(now - within / 1_000) - 1, Math.ceil(now)]
    const filters = JSON.stringify({ container: [container], event: ['oom'] })
    const told = await engine.getEvents({ since, until, filters, abortSignal: AbortSignal.timeout(askedFor) })
    for await (const _ of jsonLines(told as AsyncIterable<Buffer>)) return true
  } catch {} // What can't be told is not taken to be so.
  return false
}

/** Tells of a build whether the step that it came to last ran out of memory: it is to hear the build's log, line by line. */
export const memoryOf = (engine: Docker) => {
  const began = performance.now()
  let container = ''
  return {
    hear: (line: string): void => {
      container = /^ ---> Running in ([0-9a-f]{12})$/.exec(line)?.[1] ?? container
    },
    ranOut: async (): Promise<boolean> => {
      for (const pause of container === '' ? [] : [0, late]) {
        await delay(pause)
        if (await hasEnded(engine, container, performance.now() - began)) return true
      }
      return false
    },
  }
}
