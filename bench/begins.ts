import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { inFolder } from './ground.ts'
import { percentile, until } from './measure.ts'
import { besideUp } from './processes.ts'
import type { Bench } from './report.ts'

/** For how long a file must stand still, as the config says; milliseconds. */
const settle = 500

/** From a file that is written until a function begins that was waiting for it, in a system where nothing else happens. */
export const begins: Bench = ({ short }) =>
  inFolder((folder) => {
    const [inbox, notes] = [join(folder, 'inbox'), join(folder, 'notes')]
    mkdirSync(notes)
    const once = async (number: number): Promise<number> => {
      const [file, note] = [join(inbox, `file${number}`), join(notes, `file${number}`)]
      writeFileSync(file, `${number}\n`)
      const written = performance.timeOrigin + performance.now()
      const began = Number(await until(() => existsSync(note) && readFileSync(note, 'utf8')))
      await delay(1_500) // The run ends and the next process gets ready.
      return began - written - settle
    }
    return besideUp(
      folder,
      'bench/begins.config.ts',
      async () => {
        await once(0)
        const latencies: number[] = []
        for (let number = 1; number <= (short ? 3 : 100); number++) latencies.push(await once(number))
        const unit = 'ms'
        return [
          {
            what: 'file at rest to action, p50',
            unit,
            figure: percentile(latencies, 0.5),
            aim: { atMost: 60 },
          },
          {
            what: 'file at rest to action, p99',
            unit,
            figure: percentile(latencies, 0.99),
            aim: { atMost: 250 },
          },
        ]
      },
      { MILLRACE_BENCH_NOTES: notes },
    )
  })
