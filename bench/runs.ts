import type { Bus } from '#bus/bus'
import { ask } from '#bus/command'
import { openBus } from '#bus/jetstream'
import type { Recorded } from '#contracts/envelope'
import { historiesOf } from '#contracts/subjects'
import { inFolder } from './ground.ts'
import { inTurn, percentile } from './measure.ts'
import { besideUp } from './processes.ts'
import { rawChain } from './raw-chain.ts'
import type { Bench } from './report.ts'

type Ended = { readonly began: number; readonly ended: number; readonly nodes: number; readonly outcome: string }

/** Hears of every run as it is recorded: asking again and again would take from the cores what is measured. */
const hearRuns = (bus: Bus, signal: AbortSignal) => {
  const known = new Map<string, { began: number; nodes: number; readonly ended: PromiseWithResolvers<Ended> }>()
  const about = (run: string) => {
    const found = known.get(run) ?? { began: 0, nodes: 0, ended: Promise.withResolvers<Ended>() }
    known.set(run, found)
    return found
  }
  const hear = ({ address: { scope, key }, type, storedAt }: Recorded): void => {
    const run = about(`${scope}/${key}`)
    if (type === 'run.planned') run.began = storedAt
    if (type === 'run.node-succeeded') run.nodes++
    if (/^run\.(succeeded|failed|cancelled)$/.test(type))
      run.ended.resolve({ began: run.began, ended: storedAt, nodes: run.nodes, outcome: type })
  }
  const from = { logId: bus.logId, sequence: 0 }
  const heard = bus.follow(from, ({ events }) => events.forEach(hear), signal, [historiesOf({ aggregate: 'run' })])
  return { ended: (pipeline: string, number: number) => about(`${pipeline}/${number}`).ended.promise, heard }
}

const start = (bus: Bus, pipeline: string) =>
  ask(bus, { address: { aggregate: 'pipeline', scope: pipeline, key: 'self' }, type: 'pipeline.start', data: {} })

/** Runs of nodes that do nothing: what it costs to get from one to the next, alone and with many at once. */
export const runs: Bench = ({ short }) =>
  inFolder((folder) =>
    besideUp(folder, 'bench/runs.config.ts', async (up) => {
      const [, url = ''] = /(nats:\/\/[\d.]+:\d+|tls:\/\/[\d.]+:\d+)/.exec(up.output()) ?? []
      const bus = await openBus({ url, principal: 'bench' })
      const stop = new AbortController()
      const { ended: runOf, heard } = hearRuns(bus, stop.signal)
      try {
        let next = 0
        const perNode: number[] = []
        const ours = async () => {
          await start(bus, 'chain')
          const { began, ended } = await runOf('chain', next++)
          perNode.push((ended - began) / 10)
          return (ended - began) / 10
        }
        const raw = await rawChain(url)
        const each = await inTurn(short ? 2 : 30, ours, () => raw.run(10))
        await raw.close()
        const many = short ? 10 : 200
        const before = performance.now()
        for (let n = 0; n < many; n++) await start(bus, 'chain')
        let [lost, nodes] = [0, 0]
        for (let n = 0; n < many; n++) {
          const run = await runOf('chain', next++)
          nodes += run.nodes
          if (run.outcome !== 'run.succeeded' || run.nodes !== 10) lost++
        }
        const rate = nodes / ((performance.now() - before) / 1000)
        await start(bus, 'fan')
        const fan = await runOf('fan', 0)
        return [
          { what: 'chain of 10 nodes, each, p50', unit: 'ms', ...each, bar: { atMost: 5 }, aim: { atMost: 15 } },
          { what: 'chain of 10 nodes, each, p95', unit: 'ms', figure: percentile(perNode.slice(1), 0.95) },
          { what: `${many} runs queued, 8 at once`, unit: 'nodes/s', figure: rate, aim: { atLeast: 60 } },
          { what: `${many} runs queued, runs that are not whole`, unit: '', figure: lost, bar: { atMost: 0 } },
          { what: '200 nodes behind one, and one behind all', unit: 's', figure: (fan.ended - fan.began) / 1000 },
        ]
      } finally {
        stop.abort()
        await heard
        await bus.close()
      }
    }),
  )
