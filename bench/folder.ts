import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { openLocal } from '#agents/local'
import { openStore } from '#agents/pipelines/store'
import { watchStore } from '#agents/pipelines/watch'
import type { Bus } from '#bus/bus'
import { openOutbox } from '#bus/outbox'
import { onGround } from './ground.ts'
import { inTurn, secondsOf, until } from './measure.ts'
import type { Bench } from './report.ts'

/** For how long a file must stand still; milliseconds. */
const settle = 500

/** Thousands of files at once in a watched folder; then what one more costs there, against one more in an empty folder. */
export const folder: Bench = ({ short }) =>
  onGround(async ({ folder: base, bus: open }) => {
    const bus = await open()
    const stop = new AbortController()
    const [full, empty] = [
      await watched(bus, base, 'full', stop.signal),
      await watched(bus, base, 'empty', stop.signal),
    ]
    const count = short ? 500 : 5_000
    const files = Array.from({ length: count }, (_, number) => `file${number}`)
    const [seconds, used] = await costOf(() => full.drop(files))
    const wall = (of: typeof full) => async (round: number) => {
      const milliseconds = (await secondsOf(() => of.drop([`one-more-${round}`]))) * 1000
      await delay(100)
      return milliseconds - settle
    }
    // One file takes less than the clock of a process can tell from what goes on beside it: ten do.
    const cpu = (of: typeof full) => async (round: number) => {
      const [, milliseconds] = await costOf(() => of.drop(files.slice(0, 10).map((name) => `${name}-more-${round}`)))
      return milliseconds / 10
    }
    const rounds = short ? 3 : 21
    const walls = await inTurn(rounds, wall(full), wall(empty))
    const cpus = await inTurn(rounds, cpu(full), cpu(empty))
    stop.abort()
    await Promise.all([full.ended, empty.ended])
    const [unit, bar] = ['ms', { atMost: 1.25 }]
    return [
      { what: `${count} files at once, until the log has them`, unit: 's', figure: seconds },
      { what: `${count} files at once, CPU of each`, unit, figure: used / count },
      { what: `one more beside ${count}, wall beyond the settle time`, unit, bar, ...walls },
      { what: `one more beside ${count}, CPU`, unit, bar, ...cpus },
    ]
  })

/** A watched folder, and what drops files into it and waits until the log has them. */
const watched = async (bus: Bus, base: string, node: string, signal: AbortSignal) => {
  const root = join(base, node)
  mkdirSync(root)
  const local = openLocal(join(base, `${node}.db`))
  const outbox = openOutbox(local, node)
  const sent = outbox.send(bus, signal)
  const store = await openStore(`bench/${node}`, root, local, outbox)
  await watchStore(store, { settle, ignoreExisting: false, signal })
  const address = { aggregate: 'artifact', scope: 'bench', key: node }
  let [expected, seen] = [0, 0]
  const following = bus.follow({ logId: bus.logId, sequence: await bus.head() }, count, signal, [
    `events.${address.aggregate}.${address.scope}.${address.key}`,
  ])
  function count({ events }: { readonly events: readonly unknown[] }) {
    seen += events.length
  }
  const drop = async (names: readonly string[]): Promise<void> => {
    expected += names.length
    for (const name of names) writeFileSync(join(root, name), name)
    await until(() => seen >= expected)
  }
  return { drop, ended: Promise.all([sent, following]).finally(() => local.close()) }
}

/** Seconds by the clock and milliseconds of CPU, of this process, that something took. */
const costOf = async (act: () => Promise<void>): Promise<readonly [number, number]> => {
  const before = process.cpuUsage()
  const seconds = await secondsOf(act)
  const { user, system } = process.cpuUsage(before)
  return [seconds, (user + system) / 1000]
}
