import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openBus } from '#bus/jetstream'
import type { Recorded } from '#contracts/envelope'
import { inFolder } from './ground.ts'
import { until } from './measure.ts'
import { besideUp } from './processes.ts'
import type { Bench } from './report.ts'

/** A run with thousands of input files: from the last fact until the function begins, and how large its messages are. */
export const inputs: Bench = ({ short }) =>
  inFolder((folder) => {
    const [inbox, notes] = [join(folder, 'inbox'), join(folder, 'notes')]
    mkdirSync(notes)
    mkdirSync(inbox)
    const count = short ? 1_000 : 20_000
    return besideUp(
      folder,
      'bench/inputs.config.ts',
      async (up) => {
        const [, url = ''] = /((?:nats|tls):\/\/[\d.]+:\d+)/.exec(up.output()) ?? []
        const bus = await openBus({ url, principal: 'bench' })
        try {
          for (let at = 0; at < count; at++) writeFileSync(join(inbox, `file${at}`), `${at}\n`)
          const noted = await until(
            () => existsSync(join(notes, 'began')) && readFileSync(join(notes, 'began'), 'utf8'),
          )
          const [began = 0, given = 0] = noted.split(' ').map(Number)
          const read = async (aggregate: string, scope: string, key: string): Promise<readonly Recorded[]> =>
            (await bus.read({ aggregate, scope, key })).events
          const last = (await read('artifact', 'inputs', 'inbox'))
            .filter(({ type }) => type === 'artifact.detected')
            .at(-1)
          const sizes = [...(await read('run', 'inputs', '0')), ...(await read('pipeline', 'inputs', 'self'))].map(
            ({ data }) => JSON.stringify(data).length,
          )
          return [
            {
              what: `${count} input files, last one in the log to action`,
              unit: 's',
              figure: (began - (last?.storedAt ?? 0)) / 1000,
              aim: { atMost: 2 },
            },
            { what: 'of these, not given to the action', unit: '', figure: count - given, bar: { atMost: 0 } },
            { what: 'largest message of the run', unit: 'bytes', figure: Math.max(...sizes), bar: { atMost: 100_000 } },
          ]
        } finally {
          await bus.close()
        }
      },
      { MILLRACE_BENCH_NOTES: notes, MILLRACE_BENCH_FILES: String(count) },
    )
  })
