import type { Bus } from '#bus/bus'
import type { Numbered, Recorded } from '#contracts/envelope'
import type { ExperimentEvent } from '#contracts/experiment'
import type { ScheduledStep, StepName } from '#contracts/experiment-parts'
import { policy as policyShape } from '#contracts/portal'
import { type Address, historyOf as nameOf } from '#contracts/subjects'

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

/** What a log holds after so many experiments over twenty sites. */
export const logOf = (count: number): readonly Recorded[] => {
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

/** Records the same on a bus, each history at once. */
export const recordOn = async (bus: Pick<Bus, 'append'>, count: number): Promise<void> => {
  for (const events of Map.groupBy(logOf(count), ({ address }) => nameOf(address)).values())
    if (events[0]) await bus.append([{ address: events[0].address, expectedVersion: 0, events }])
}
