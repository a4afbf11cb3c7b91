import { expect, onTestFinished, test } from 'vitest'
import { experimentsOf } from '#client/experiments'
import { partOfSite } from '#contracts/experiment-parts'
import { stageOf, subStateOf } from '#contracts/experiment-standing'
import type { KnownExperiment } from '#contracts/experiment-state'
import { policyOfMany, simulate } from './simulated.ts'
import { created } from './story.ts'

const many = 100
const sites = 20
const perSite = 5

test(`${many} experiments at once go through all of their steps, and no node is given twice`, async () => {
  const stop = new AbortController()
  onTestFinished(() => stop.abort())
  const policy = policyOfMany(sites, perSite)
  const bus = await simulate(policy, stop.signal)
  /** The same bus, for somebody: a web process speaks for its users. */
  const as = (who: string) =>
    experimentsOf({
      ...bus,
      request: (subject, body, options) => bus.request(subject, body, { ...options, onBehalfOf: who }),
    })
  const [carol, olga] = [as('carol'), as('olga')]

  const until = async (id: string, holds: (experiment: KnownExperiment) => boolean): Promise<void> => {
    for (;;) {
      const { experiment, events } = await carol.get(id)
      if (holds(experiment)) return
      const seen = new AbortController()
      await carol
        .follow(id, events.at(-1)?.sequence ?? 0, () => seen.abort(), AbortSignal.any([stop.signal, seen.signal]))
        .catch(() => undefined)
    }
  }
  const must = async (answer: Promise<{ readonly accepted: boolean }>) =>
    expect(await answer).toMatchObject({ accepted: true })

  const drive = async (number: number): Promise<void> => {
    const site = `site-${number % sites}`
    const node = `${site}/node-${Math.floor(number / sites)}`
    const { data } = created({ resource: { nodeType: 'Rover', capabilities: [], count: 1, sites: [site], hours: 1 } })
    const { id, answer } = await carol.create('rover', data)
    expect(answer).toMatchObject({ accepted: true })
    await must(carol.order(id, 'initiate', {}))
    await until(id, (now) => subStateOf(now, partOfSite(site)).state === 'built')
    await must(olga.order(id, 'move-to-testbed', { nodes: [node] }))
    await until(id, (now) => subStateOf(now, node).state === 'delivered')
    await must(olga.order(id, 'mark-ready', {}))
    await must(olga.order(id, 'run', {}))
    await until(id, (now) => subStateOf(now, node).state === 'cleaned')
    await must(olga.order(id, 'submit', { acceptPartial: false }))
    await until(id, (now) => subStateOf(now, node).state === 'done')
    const { experiment, events } = await carol.get(id)
    expect(stageOf(experiment)).toBe('submitted')
    // Each step was begun once, and nothing was reported that was not asked for.
    const types = events.map(({ type }) => type)
    expect(types.filter((type) => type === 'experiment.step-started')).toHaveLength(9)
    expect(types).not.toContain('experiment.report-ignored')
  }
  await Promise.all(Array.from({ length: many }, (_, number) => drive(number)))
})
