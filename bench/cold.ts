import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openLocal } from '#agents/local'
import { openStore } from '#agents/pipelines/store'
import { watchStore } from '#agents/pipelines/watch'
import { openOutbox } from '#bus/outbox'
import { inFolder } from './ground.ts'
import { until } from './measure.ts'
import type { Bench } from './report.ts'

/** What each file holds, in bytes: enough that reading them would show. */
const size = 1_024

/** Bytes that this process has read so far, by any call. */
const bytesRead = (): number => Number(/rchar: (\d+)/.exec(readFileSync('/proc/self/io', 'utf8'))?.[1])

/** How long a host takes that finds a full folder which it knows, until it watches; and what it reads of it. */
export const cold: Bench = ({ short, say }) =>
  inFolder(async (folder) => {
    const count = short ? 2_000 : 100_000
    const root = join(folder, 'store')
    mkdirSync(root)
    say(`  writing ${count} files …`)
    for (let at = 0; at < count; at++) writeFileSync(join(root, `file${at}`), `${at}`.padEnd(size))
    const begin = async () => {
      const stop = new AbortController()
      const local = openLocal(join(folder, 'host.db'))
      const outbox = openOutbox(local, 'host')
      const began = performance.now()
      const store = await openStore('bench/store', root, local, outbox)
      const { ended } = await watchStore(store, { settle: 10, ignoreExisting: false, signal: stop.signal })
      const took = (performance.now() - began) / 1000
      const end = async () => {
        stop.abort()
        await ended
        local.close()
      }
      return { took, outbox, end }
    }
    say('  the first start …')
    const first = await begin()
    await until(() => first.outbox.waiting() >= count)
    await first.end()
    const before = bytesRead()
    const second = await begin()
    const read = bytesRead() - before
    const known = second.outbox.waiting()
    await second.end()
    return [
      { what: `start with ${count} known files, until it watches`, unit: 's', figure: second.took, aim: { atMost: 5 } },
      { what: 'of these, files recorded again', unit: '', figure: known - count, bar: { atMost: 0 } },
      { what: 'share of their bytes that was read', unit: '', figure: read / (count * size), bar: { atMost: 0.5 } },
    ]
  })
