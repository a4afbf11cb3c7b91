import { expect, onTestFinished, test } from 'vitest'
import { experimentsOf } from '#client/experiments'
import type { ExperimentCommand } from '#contracts/experiment-commands'
import type { Page } from '#projections/view'
import { watching } from '../projections/story.ts'
import { policyOfMany, simulate } from './simulated.ts'
import { created } from './story.ts'

const many = 100
const sites = 20
/** Fewer rovers than experiments at a site: some wait until one is free. */
const perSite = 3

type Row = {
  readonly experiment: string
  readonly what: string
  readonly command: ExperimentCommand | null
  readonly unmet: string | null
}

test(`${many} experiments at once finish, moved on by what the operator's inbox shows and by nothing else`, async () => {
  const stop = new AbortController()
  onTestFinished(() => stop.abort())
  const bus = await simulate(policyOfMany(sites, perSite), stop.signal)
  const watched = await watching(bus)
  const as = (who: string) =>
    experimentsOf({
      ...bus,
      request: (subject, body, options) => bus.request(subject, body, { ...options, onBehalfOf: who }),
    })
  const [carol, olga] = [as('carol'), as('olga')]
  const inbox = async (): Promise<readonly Row[]> => {
    await watched.caughtUp()
    return ((await watched.viewer.ask('inbox', { limit: 1_000 }, 'olga')).value as Page)
      .items as unknown as readonly Row[]
  }

  const ids = await Promise.all(
    Array.from({ length: many }, async (_, number) => {
      const resource = { nodeType: 'Rover', capabilities: [], count: 1, sites: [`site-${number % sites}`], hours: 1 }
      const { id, answer } = await carol.create('rover', created({ resource }).data)
      expect(answer).toMatchObject({ accepted: true })
      expect(await carol.order(id, 'initiate', {})).toMatchObject({ accepted: true })
      return id
    }),
  )

  let heard = Promise.withResolvers<void>()
  bus
    .follow({ logId: bus.logId, sequence: await bus.head() }, async () => heard.resolve(), stop.signal)
    .catch(() => undefined)
  /** Resolves once something has been recorded since it was asked before. */
  const news = async (): Promise<void> => {
    await heard.promise
    heard = Promise.withResolvers()
  }

  const pressed = new Map<string, string[]>()
  const isDone = async (): Promise<boolean> => {
    const { value } = await watched.viewer.ask('experiments', { subState: 'done', limit: 1_000 }, 'olga')
    return (value as Page).items.length === many
  }
  while (!(await isDone())) {
    for (const { experiment, what, command, unmet } of await inbox()) {
      if (!command) {
        expect(unmet).toMatch(/free end nodes/)
        continue
      }
      const verb = command.type.slice('experiment.'.length) as 'run'
      const answer = await olga.order(experiment, verb, command.data as object)
      // What another one of the same list has been given since is free no longer: that alone is ever refused.
      if (!answer.accepted) expect(answer).toMatchObject({ refusal: 'occupied' })
      else if (answer.events.length > 0) pressed.set(experiment, [...(pressed.get(experiment) ?? []), what])
    }
    await news()
  }
  expect(await inbox()).toEqual([])
  expect(new Set(pressed.keys())).toEqual(new Set(ids))
  for (const buttons of pressed.values()) expect(buttons).toEqual(['move-to-testbed', 'mark-ready', 'run', 'submit'])
  for (const id of ids) {
    const types = (await carol.get(id)).events.map(({ type }) => type)
    expect(types.filter((type) => type === 'experiment.step-started')).toHaveLength(9)
    expect(types).not.toContain('experiment.report-ignored')
  }
})
