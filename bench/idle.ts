import { setTimeout as delay } from 'node:timers/promises'
import { inFolder } from './ground.ts'
import { besideUp, shareOfCore } from './processes.ts'
import type { Bench } from './report.ts'

/** What the file transfer uses while nothing happens: all of its processes, the server included. */
export const idle: Bench = ({ short, say }) =>
  inFolder((folder) =>
    besideUp(folder, 'examples/file-transfer', async () => {
      await delay(short ? 3_000 : 15_000) // What was begun by starting comes to an end.
      const { share, processes } = await shareOfCore(folder, short ? 5 : 60)
      say(`${processes} processes`)
      return [
        { what: `idle, all ${processes} processes`, unit: '% of a core', figure: share * 100, aim: { atMost: 1 } },
      ]
    }),
  )
