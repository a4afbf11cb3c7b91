import { type Commanded, type Decider, type Decision, type Near, refuse } from '#bus/decider'
import type { ExperimentEvent } from '#contracts/experiment'
import type { ExperimentCommand } from '#contracts/experiment-commands'
import { deed } from '#contracts/experiment-deeds'
import { evolve, initial } from '#contracts/experiment-evolve'
import { isGivenIn, type Role, rights, rolesOf, takersOf } from '#contracts/experiment-rights'
import { isOpen } from '#contracts/experiment-standing'
import type { Experiment, KnownExperiment } from '#contracts/experiment-state'
import { called } from '#contracts/names'
import { type Policy, whyGone } from '#contracts/portal'
import type { Address } from '#contracts/subjects'
import { initiate, markReady, moveToTestbed, terminate } from './deploying.ts'
import { approve, create, setCloudLink, setExperimenters, update } from './describing.ts'
import { doneAlready, withWho } from './done-already.ts'
import { failGone } from './gone-step.ts'
import { sitesOf } from './meant-sites.ts'
import { scheduled } from './next-steps.ts'
import { addressOfNode } from './place-nodes.ts'
import { nodesRunBy, retry } from './retrying.ts'
import { archive, cancelRun, run, submit } from './running.ts'
import { isAboutToRun, start } from './starting.ts'
import { beat, expire, found, handOver, past, report, settle, turn } from './taking-steps.ts'

type ExperimentDecider = Decider<Experiment, ExperimentCommand, ExperimentEvent>
type Decided = Decision<ExperimentEvent>

/** An experiment: decides who may do what with it when, which step is taken where, and what follows. */
export const experimentDecider = (policy: () => Policy): ExperimentDecider => ({
  aggregate: 'experiment',
  initial,
  evolve,

  near: (command, experiment): readonly Address[] => {
    switch (command.type) {
      case 'experiment.move-to-testbed':
        return [...new Set(command.data.nodes)].map(addressOfNode)
      case 'experiment.run':
      case 'experiment.submit':
      case 'experiment.terminate':
        return experiment.status === 'unknown'
          ? []
          : sitesOf(experiment, 'sites' in command.data ? command.data.sites : undefined).flatMap(([, { nodes }]) =>
              nodes.map(addressOfNode),
            )
      case 'experiment.retry':
        return nodesRunBy(experiment, command.data).map(addressOfNode)
      case 'experiment.start-step':
        return isAboutToRun(experiment, command.data) ? [addressOfNode(command.data.part)] : []
      default:
        return []
    }
  },

  decide: (command, experiment, near) => {
    const now = policy()
    const may = rights[command.type]
    if (experiment.status === 'unknown' && command.type !== 'experiment.create')
      return refuse('unknown', `There is no experiment ${command.key}`)
    if (experiment.status !== 'unknown' && isOfStep(command)) {
      const gone = whyGone(now, command.data.part)
      if (gone !== undefined) return failGone(command.data, experiment, gone)
    }
    const isAllowed = rolesOf(now, command, experiment).some((role) => may.includes(role))
    // What nobody is to do any more is not kept for whoever may do it one day.
    if (!isAllowed && experiment.status !== 'unknown' && command.type === 'experiment.start-step') {
      const step = found(experiment, command.data)
      if (!isOpen(step)) return past(experiment, step, command.data)
    }
    if (!isGivenIn(now, command.scope, command.type)) return noProject(command)
    if (!isAllowed) return isOrphan(now, command) ? noProject(command) : notAllowed(command, may, now, experiment)
    if (command.type === 'experiment.create') return create(command, experiment, now)
    if (experiment.status === 'unknown') return refuse('unknown', `There is no experiment ${command.key}`)
    return decideOn(command, experiment, now, near)
  },
})

/** Steps may be reported of what was put away meanwhile; nothing else happens to it. */
const stepCommands = new Set<string>(
  ['start-step', 'beat-step', 'turn-step', 'report-step', 'expire-step', 'settle'].map((verb) => `experiment.${verb}`),
)

type OfStep = 'start-step' | 'beat-step' | 'turn-step' | 'report-step' | 'expire-step'

/** What somebody says of a step that is taken. Of one at a place that was taken out it does not matter who that is. */
const isOfStep = (
  command: Commanded<ExperimentCommand>,
): command is Commanded<Extract<ExperimentCommand, { type: `experiment.${OfStep}` }>> =>
  stepCommands.has(command.type) && command.type !== 'experiment.settle'

const decideOn = (
  command: Commanded<Exclude<ExperimentCommand, { type: 'experiment.create' }>>,
  experiment: KnownExperiment,
  policy: Policy,
  near: readonly Near[],
): Decided => {
  if (experiment.status === 'archived' && !stepCommands.has(command.type)) return archived(command, experiment)
  switch (command.type) {
    case 'experiment.update':
      return update(command, experiment, policy)
    case 'experiment.set-experimenters':
      return setExperimenters(command, experiment, policy)
    case 'experiment.set-cloud-link':
      return setCloudLink(command, experiment)
    case 'experiment.approve':
      return approve(command, experiment, policy)
    case 'experiment.decline':
      return approve(command, experiment, policy)
    case 'experiment.initiate':
      return initiate(command, experiment, policy)
    case 'experiment.terminate':
      return terminate(command, experiment, policy, near)
    case 'experiment.move-to-testbed':
      return moveToTestbed(command, experiment, policy, near)
    case 'experiment.mark-ready':
      return markReady(command, experiment)
    case 'experiment.run':
      return run(command, experiment, policy, near)
    case 'experiment.cancel-run':
      return cancelRun(command, experiment)
    case 'experiment.submit':
      return submit(command, experiment, near)
    case 'experiment.retry':
      return retry(command, experiment, policy, near)
    case 'experiment.archive':
      return archive(command, experiment)
    case 'experiment.package':
      return handOver(command.data.site, experiment, (now, part) =>
        scheduled(now, part, 'build', { agent: 'site-server' }),
      )
    case 'experiment.start-step':
      return start(command, experiment, near)
    case 'experiment.beat-step':
      return beat(command.data, experiment)
    case 'experiment.turn-step':
      return turn(command.data, experiment)
    case 'experiment.report-step':
      return report(command.data, experiment)
    case 'experiment.expire-step':
      return expire(command.data, experiment)
    case 'experiment.settle':
      return settle(command.data, experiment)
  }
}

/** Whether it was the project of a person's command that let them give it, and that is gone. */
const isOrphan = ({ projects }: Policy, { type, scope }: Commanded<ExperimentCommand>): boolean =>
  called(projects, scope) === undefined && !stepCommands.has(type)

const noProject = ({ scope }: Commanded<ExperimentCommand>) =>
  refuse(
    'no-project',
    `The portal's file has no project '${scope}' any more: put it back there, or have what there is of it terminated, submitted and archived by an operator or an administrator`,
  )
const archived = (command: Commanded<ExperimentCommand>, { deeds }: KnownExperiment): Decided => {
  const [by, sentence] = [deeds[deed.archive], `${command.key} has been archived`] as const
  return command.type === 'experiment.archive'
    ? doneAlready(command, by, 'archived', sentence)
    : refuse('archived', withWho(sentence, by, command))
}

const notAllowed = (
  { type, principal, key, scope, data }: Commanded<ExperimentCommand>,
  may: readonly Role[],
  policy: Policy,
  experiment: Experiment,
) => {
  const who: Readonly<Record<Role, string>> = {
    administrator: 'an administrator',
    operator: 'an operator',
    member: `a member of the project ${scope}`,
    creator: 'its creator',
    experimenter: 'one of its experimenters',
    agent: `whoever takes the steps of that part, by the portal's file ${takersOf(policy, data).join(' or ')}`,
    portal: 'the portal',
  }
  const verb = type.slice(type.indexOf('.') + 1)
  const takes = `that takes ${may.map((role) => who[role]).join(' or ')}`
  const was = called(policy.projects, scope)?.members.includes(principal)
    ? undefined
    : wasOnce(principal, may, experiment)
  const also = was ? `, and ${principal}, who is ${who[was]}, is no member of the project ${scope} any more` : ''
  return refuse('not-allowed', `${principal} may not ${verb} ${key}: ${takes}${also}`)
}

/** Who somebody is to an experiment by its own word, which counts for members of its project alone. */
const wasOnce = (principal: string, may: readonly Role[], experiment: Experiment): Role | undefined => {
  if (experiment.status === 'unknown') return undefined
  if (may.includes('creator') && experiment.creator === principal) return 'creator'
  return may.includes('experimenter') && experiment.experimenters.includes(principal) ? 'experimenter' : undefined
}
