import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import type { Numbered, Recorded } from '#contracts/envelope'
import type { ExperimentEvent } from '#contracts/experiment'
import type { ScheduledStep, StepName } from '#contracts/experiment-parts'
import { policy as policyShape } from '#contracts/portal'
import type { Address } from '#contracts/subjects'
import { applier } from '#projections/apply'
import { openDatabase } from '#projections/database'
import { metadata } from '#projections/metadata'
import { openReader } from '#projections/reader'
import { type ViewName, views } from '#projections/views'
import { inFolder } from './ground.ts'
import { percentile } from './measure.ts'
import type { Bench } from './report.ts'

const sites = Array.from({ length: 20 }, (_, number) => `site${number}`)
const projects = Array.from({ length: 10 }, (_, number) => `p${number}`)

const policy = policyShape.parse({
  operators: ['olga'],
  projects: Object.fromEntries(projects.map((project) => [project, { members: ['carol', `user-${project}`] }])),
  sites: Object.fromEntries(sites.map((site) => [site, { server: site, nodes: { one: { type: 'Rover' } } }])),
})

/** What happens to one experiment, as far as it comes: a few stop at each step, and of those some fail. */
const historyOf = (number: number, site: string): readonly ExperimentEvent[] => {
  const node = `${site}/one`
  const whole = `${site}/self`
  const resource = { nodeType: 'Rover', capabilities: [], count: 1, sites: [site], hours: 1 }
  const source = { link: 'https://git.example/a/b.git' }
  const next = (part: string, step: StepName): ScheduledStep[] => [
    { part, step, agent: step, attempt: 1, try: 1, timeout: 1_000 },
  ]
  const taken = (part: string, step: StepName, made: object, then: readonly ScheduledStep[]): ExperimentEvent[] => {
    const execution = { part, step, agent: step, attempt: 1, try: 1, delivery: 1, instance: 'i' }
    return [
      { type: 'experiment.step-started', data: { ...execution, host: site } },
      { type: 'experiment.step-succeeded', data: { ...execution, made: { step, ...made } as never, next: [...then] } },
    ]
  }
  const image = `registry/x@sha256:${'b'.repeat(64)}`
  const compose = `services:\n${'  # a line of a Compose file\n'.repeat(40)}`
  const results = { manifest: 'c'.repeat(64), files: 9, bytes: 999, refused: 0, partial: false }
  const name = `Experiment ${number}`
  const description = 'Samples the air above the field. '.repeat(10)
  const created = { name, description, source, resource, approval: false, cloudLink: { kind: 'directory', path: 'x' } }
  const whole1 = { attempt: 1, source, resource, sites: [{ site, builder: 'site-server' as const }] }
  const events: ExperimentEvent[] = [
    { type: 'experiment.created', data: created as never },
    { type: 'experiment.development-initiated', data: { ...whole1, next: next('portal/self', 'fetch') } },
    ...taken('portal/self', 'fetch', { commit: 'a'.repeat(40), files: 1, bytes: 1 }, next(whole, 'ship')),
    ...taken(whole, 'ship', {}, next(whole, 'build')),
    ...taken(whole, 'build', { image, compose }, []),
    { type: 'experiment.moved-to-testbed', data: { attempt: 1, nodes: [node], next: next(node, 'deliver') } },
    ...taken(node, 'deliver', {}, []),
    { type: 'experiment.marked-ready', data: { attempt: 1, sites: [site] } },
    { type: 'experiment.run-begun', data: { attempt: 1, run: 1, nodes: [node], next: next(whole, 'probe') } },
    ...taken(whole, 'probe', {}, next(node, 'run')),
    ...taken(node, 'run', { exitCode: 0, results }, next(node, 'collect')),
    ...taken(node, 'collect', {}, []),
    { type: 'experiment.submitted', data: { attempt: 1, sites: [site], partial: false, next: next(whole, 'pull') } },
    ...taken(whole, 'pull', { files: 9, bytes: 999 }, next(whole, 'upload')),
    ...taken(whole, 'upload', { to: 'x', files: 9, bytes: 999 }, []),
  ]
  return events.slice(0, number % 3 === 0 ? 1 + (number % events.length) : events.length)
}

const logOf = (count: number): readonly Recorded[] => {
  const events: Recorded[] = []
  const add = (address: Address, { type, data }: Pick<Numbered, 'type' | 'data'>, principal: string): void => {
    const sequence = events.length + 1
    const id = `e-${sequence}`
    const about = {
      id,
      version: 1,
      source: 'bench',
      time: new Date(0).toISOString(),
      correlationId: id,
      causationId: id,
    }
    const stored = { sequence, position: `log.${sequence}`, storedAt: 1_700_000_000_000 + sequence * 1_000 }
    events.push({ address, type, data, principal, ...about, ...stored })
  }
  add({ aggregate: 'portal', scope: 'all', key: 'self' }, { type: 'portal.defined', data: { policy } }, 'portal')
  for (let number = 0; number < count; number++) {
    const project = projects[number % projects.length] ?? ''
    const address = {
      aggregate: 'experiment',
      scope: project,
      key: `${project}-${number.toString(36).padStart(6, '0')}`,
    }
    for (const event of historyOf(number, sites[number % sites.length] ?? '')) add(address, event, 'carol')
  }
  return events
}

/** How fast experiments are folded, and pages of their lists, filtered in every way, now and at an earlier place. */
export const experiments: Bench = ({ short, say }) =>
  inFolder(async (folder) => {
    const file = join(folder, 'metadata.db')
    const count = short ? 100 : 1_000
    const log = logOf(count)
    const db = openDatabase(file, metadata, 'log')
    const folding = applier(db, metadata)
    const began = performance.now()
    const applied = folding.apply({ events: log, upTo: log.length, dropped: 0, pending: 0 })
    const took = performance.now() - began
    if (applied.halt || applied.events.length < log.length)
      throw new Error(`Not all was folded: ${applied.halt?.reason}`)
    db.close()
    const reader = openReader(file, metadata)
    const asked: readonly (readonly [ViewName, Readonly<Record<string, unknown>>])[] = [
      ['experiments', {}],
      ['experiments', { sort: 'changed' }],
      ['experiments', { order: 'asc' }],
      ['experiments', { project: 'p3' }],
      ['experiments', { site: 'site7' }],
      ['experiments', { mode: 'Development', status: 'deploying' }],
      ['experiments', { subState: 'built' }],
      ['experiments', { waitsFor: 'operator' }],
      ['experiments', { creator: 'nobody' }],
      ['experiments', { text: 'experiment 77' }],
      ['experiments', { text: 'found nowhere', sort: 'changed' }],
      ['inbox', {}],
      ['experiment-history', { experiment: 'p1-000001' }],
      ['experiment-steps', { experiment: 'p1-000001' }],
      ['experiment', { experiment: 'p1-000001' }],
      ['sites', {}],
      ['end-nodes', {}],
    ]
    const times: number[] = []
    let slowest = { what: '', took: 0 }
    for (const [name, params] of asked)
      for (const who of ['olga', 'carol'])
        for (const at of [undefined, log.length >> 1]) {
          let cursor: string | null | undefined
          for (let page = 0; page < 5 && cursor !== null; page++) {
            const start = performance.now()
            const said = { ...params, ...(cursor !== undefined && { cursor }) }
            const seen = { at, logId: 'log', who } as never
            const { next = null } = reader.read((one) => views[name].read(one, said, seen)) as { next?: string | null }
            const spent = performance.now() - start
            cursor = next
            times.push(spent)
            if (spent > slowest.took) slowest = { what: `${name} ${JSON.stringify(params)} ${at ?? ''}`, took: spent }
          }
        }
    reader.close()
    say(`  slowest: ${slowest.what}`)
    return [
      { what: 'events of experiments folded', unit: '/s', figure: (log.length / took) * 1_000 },
      { what: `a page of ${count} experiments, p50`, unit: 'ms', figure: percentile(times, 0.5) },
      { what: `a page of ${count} experiments, slowest`, unit: 'ms', figure: slowest.took, aim: { atMost: 50 } },
    ]
  })
