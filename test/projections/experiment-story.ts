import { endNodeDecider } from '#agents/experiments/end-node'
import { experimentDecider } from '#agents/experiments/experiment'
import type { Bus } from '#bus/bus'
import { commandFrom, uuidv7 } from '#bus/command'
import { ownerOf } from '#bus/handle'
import type { EndNodeCommand } from '#contracts/end-node'
import { experimentEvents } from '#contracts/experiment'
import type { ExperimentCommand } from '#contracts/experiment-commands'
import type { ScheduledStep, StepName } from '#contracts/experiment-parts'
import { addressOfPortal, type Policy } from '#contracts/portal'
import type { Address } from '#contracts/subjects'
import { created, madeBy, policy as usual } from '../experiments/story.ts'

type Result = Extract<ExperimentCommand, { type: 'experiment.report-step' }>['data']['result']

/** Tells of experiments on a bus, through the deciders; whatever steps are asked for are kept. */
export const experimentTeller = (bus: Bus, policy: Policy = usual) => {
  const owner = ownerOf(
    bus,
    experimentDecider(() => policy),
  )
  const nodes = ownerOf(
    bus,
    endNodeDecider(() => policy),
  )
  const scheduled = new Map<string, ScheduledStep[]>()

  const raw = async (address: Address, type: string, data: unknown, principal = 'portal') => {
    const id = uuidv7()
    const about = { source: 'story', time: new Date(0).toISOString(), correlationId: id, causationId: id }
    const { version: expectedVersion } = await bus.read(address)
    const event = { id, type, version: 1, ...about, principal, data }
    const sequence = await bus.append([{ address, expectedVersion, events: [event] }])
    if (sequence === 'conflict') throw new Error(`${type} met a conflict`)
  }
  const define = (said: Policy = policy) => raw(addressOfPortal, 'portal.defined', { policy: said })

  const addressOf = (id: string): Address => ({
    aggregate: 'experiment',
    scope: id.slice(0, id.lastIndexOf('-')),
    key: id,
  })
  /** Learns what has been asked for, whoever asked. */
  const update = async (id: string): Promise<void> => {
    const { events } = await bus.read(addressOf(id))
    const next = events.flatMap(({ type, data }) =>
      type in experimentEvents && 'next' in (data as object) ? (data as { readonly next: ScheduledStep[] }).next : [],
    )
    scheduled.set(id, next)
  }
  const ask = async (id: string, principal: string, { type, data }: ExperimentCommand) => {
    const address = addressOf(id)
    const answer = await owner.handle(address, commandFrom({ address, type, data }, principal))
    if (answer.accepted && answer.events.length > 0) await update(id)
    return answer
  }
  const must = async (id: string, principal: string, command: ExperimentCommand): Promise<void> => {
    const answer = await ask(id, principal, command)
    if (!answer.accepted) throw new Error(`${command.type}: ${answer.detail}`)
  }
  const lastAsked = (id: string, step: StepName, part?: string): ScheduledStep | undefined =>
    scheduled.get(id)?.findLast((one) => one.step === step && (part === undefined || one.part === part))
  const takerOf = (part: string): string => (part.startsWith('portal/') ? 'portal' : (part.split('/')[0] ?? ''))
  const executionOf = ({ part, step, agent, attempt, try: tries }: ScheduledStep, delivery = 1) => ({
    ...{ part, step, agent, attempt, delivery },
    ...{ try: tries, instance: `instance of ${agent}` },
  })
  /** Undefined where nobody has asked for it. */
  const begin = async (id: string, step: StepName, part?: string, delivery = 1) => {
    const one = lastAsked(id, step, part)
    const host = one && takerOf(one.part)
    return (
      one &&
      ask(id, host ?? '', { type: 'experiment.start-step', data: { ...executionOf(one, delivery), host: host ?? '' } })
    )
  }
  const end = async (id: string, step: StepName, result: Result, part?: string, delivery = 1) => {
    const one = lastAsked(id, step, part)
    const data = one && { ...executionOf(one, delivery), result }
    return data && ask(id, takerOf(data.part), { type: 'experiment.report-step', data })
  }
  const take = async (id: string, step: StepName, part?: string): Promise<void> => {
    await begin(id, step, part)
    const answer = await end(id, step, { outcome: 'succeeded', made: madeBy(step) }, part)
    if (!answer?.accepted) throw new Error(`${step} of ${id}: ${answer?.detail ?? 'not asked for'}`)
  }
  const fail = async (id: string, step: StepName, part?: string): Promise<void> => {
    await begin(id, step, part)
    await end(id, step, { outcome: 'failed', reason: `${step} broke` }, part)
  }
  const create = (id = 'rover-aaaaaa', principal = 'carol', more: Parameters<typeof created>[0] = {}) =>
    must(id, principal, created(more))

  const onNode = async (part: string, principal: string, { type, data }: EndNodeCommand) => {
    const [scope = '', key = ''] = part.split('/')
    const address = { aggregate: 'end-node', scope, key }
    return nodes.handle(address, commandFrom({ address, type, data }, principal))
  }
  return { raw, define, update, ask, must, begin, end, take, fail, create, onNode, lastAsked }
}
