import { createHash } from 'node:crypto'
import type { Append, Bus } from '#bus/bus'
import { contractOf } from '#contracts/all'

/** How many events one run comes to. */
export const eventsOfRun = 21

const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex')

const [retraining, evaluation, plotting] = ['root/retraining', 'leaf/evaluation', 'leaf/plotting']
const nodes = [
  { part: 'root/metadata_store', kind: 'metadata-store', after: [] },
  { part: 'root/haikus', kind: 'filesystem-store', after: ['root/metadata_store'] },
  { part: 'root/models', kind: 'filesystem-store', after: ['root/metadata_store'] },
  { part: retraining, kind: 'action', after: ['root/haikus', 'root/models'] },
  { part: evaluation, kind: 'action', after: [retraining] },
  { part: plotting, kind: 'action', after: [retraining] },
]

/** What one run of the file-transfer example writes into the log: aggregate, scope, key, type, data. */
const runOf = (number: number, first: number, logId: string): [string, string, string, string, object][] => {
  const run = `root/${number}`
  const at = (sequence: number) => `${logId}.${sequence}`
  const by = (part: string) => ({ run, part, attempt: 1 })
  const execution = (part: string) => ({ part, attempt: 1, delivery: 1, instance: `at-${part}` })
  const file = (store: string, path: string) => ({ store, path, digest: digestOf(path), size: 1000 + number })
  const haiku = file('root/haikus', `haiku${number}.txt`)
  const model = file('root/models', `model${number}.txt`)
  const plot = file('root/models', `plot${number}.txt`)
  const offer = { resource: 'root/haikus', after: at(first - 1), upTo: at(first), count: 1 }
  const trigger = { kind: 'files', message: `root/haikus: ${haiku.path}` }
  const plan = { run: number, graph: digestOf('graph'), trigger, offers: [offer] }
  const { size: _, ...used } = haiku
  const { size: __, ...tagged } = model
  const inRun = (type: string, data: object): [string, string, string, string, object] => [
    'run',
    'root',
    `${number}`,
    type,
    data,
  ]
  const started = (part: string) => inRun('run.node-started', { ...execution(part), host: 'gpu' })
  const scheduled = (part: string) => inRun('run.node-scheduled', { part, attempt: 1 })
  const succeeded = (part: string, ...next: readonly string[]) =>
    inRun('run.node-succeeded', { ...execution(part), next: next.map((one) => ({ part: one, attempt: 1 })) })
  const metric = (step: number): [string, string, string, string, object] => [
    'tracking',
    'leaf',
    'evaluation',
    'tracking.metric-logged',
    { key: 'loss', value: 1 / (step + 1), step, run, by: by(evaluation) },
  ]
  return [
    ['artifact', 'root', 'haikus', 'artifact.detected', { ...haiku, change: 'new' }],
    ['pipeline', 'root', 'self', 'pipeline.run-planned', plan],
    inRun('run.planned', { ...plan, nodes }),
    scheduled(retraining),
    started(retraining),
    ['artifact', 'root', 'retraining', 'artifact.used', { ...used, by: by(retraining) }],
    ['artifact', 'root', 'models', 'artifact.saved', { ...model, by: by(retraining) }],
    ['artifact', 'root', 'models', 'artifact.tagged', { ...tagged, tags: { model_type: 'LLM' } }],
    succeeded(retraining, evaluation, plotting),
    started(evaluation),
    ['artifact', 'leaf', 'models_rpc', 'artifact.downloaded', { ...model, to: 'leaf/models_rpc', by: by(evaluation) }],
    metric(0),
    metric(1),
    metric(2),
    metric(3),
    succeeded(evaluation),
    started(plotting),
    ['artifact', 'root', 'models', 'artifact.uploaded', { ...plot, from: 'leaf/models_rpc', by: by(plotting) }],
    succeeded(plotting),
    inRun('run.succeeded', {}),
    ['pipeline', 'root', 'self', 'pipeline.run-released', { run: number, outcome: 'succeeded' }],
  ]
}

/** Fills an empty log with whole runs. */
export const fill = async (bus: Bus, runs: number): Promise<void> => {
  const atOnce = 40
  for (let start = 0; start < runs; start += atOnce) {
    const appends: Append[] = []
    for (let number = start; number < Math.min(runs, start + atOnce); number++)
      for (const [index, event] of runOf(number, number * eventsOfRun + 1, bus.logId).entries()) {
        const [aggregate, scope, key, type, data] = event
        const [id, version] = [`run-${number}-${index}`, contractOf(type)?.version ?? 1]
        const about = { source: 'bench', time: new Date(0).toISOString(), correlationId: `run-${number}` }
        const numbered = { id, type, version, ...about, causationId: `run-${number}`, principal: 'bench', data }
        appends.push({ address: { aggregate, scope, key }, expectedVersion: 'any', events: [numbered] })
      }
    if ((await bus.append(appends)) === 'conflict') throw new Error('Nobody else writes here')
  }
}
