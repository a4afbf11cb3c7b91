import { accept, type Commanded, type Decision, refuse } from '#bus/decider'
import type { ExperimentEvent } from '#contracts/experiment'
import type { ExperimentCommand } from '#contracts/experiment-commands'
import { deed } from '#contracts/experiment-deeds'
import { experimentId, partOfSite, projectOf } from '#contracts/experiment-parts'
import { isOpen, stageOf, stepOf } from '#contracts/experiment-standing'
import type { Experiment, KnownExperiment } from '#contracts/experiment-state'
import { called } from '#contracts/names'
import type { Policy } from '#contracts/portal'
import { allowedLink } from './allowed-link.ts'
import { doneAlready } from './done-already.ts'
import { hasBegun, inTestbed, isInTestbed } from './meant-sites.ts'
import { object, objectionTo } from './place-nodes.ts'

type Command<Type extends ExperimentCommand['type']> = Commanded<Extract<ExperimentCommand, { type: Type }>>
type Decided = Decision<ExperimentEvent>

export const create = (
  { data, key, scope }: Command<'experiment.create'>,
  experiment: Experiment,
  policy: Policy,
): Decided => {
  if (!experimentId.safeParse(key).success || projectOf(key) !== scope)
    return refuse('bad-id', `'${key}' can't be its id: use ${scope}-<letters and digits>`)
  if (experiment.status !== 'unknown')
    return refuse('taken', `There is an experiment ${key} already, of ${experiment.creator}`)
  const objection = allowedLink(policy, data.source.link) ?? objectionTo(data.resource, policy)
  if (objection) return object(objection)
  const approval = called(policy.projects, scope)?.approval ?? false
  return accept({ type: 'experiment.created', data: { ...data, approval } })
}

export const update = (
  { data, key }: Command<'experiment.update'>,
  experiment: KnownExperiment,
  policy: Policy,
): Decided => {
  if (isInTestbed(experiment)) return inTestbed(key)
  const objection =
    (data.source && allowedLink(policy, data.source.link)) ?? (data.resource && objectionTo(data.resource, policy))
  if (objection) return object(objection)
  // What was approved is what was there to be looked at.
  const isChanged = data.source !== undefined || data.resource !== undefined
  const unapproved = isChanged && experiment.approval !== 'not-asked' && experiment.approval !== 'asked'
  return accept({ type: 'experiment.updated', data: { ...data, unapproved } })
}

export const setExperimenters = (
  { data, key, scope }: Command<'experiment.set-experimenters'>,
  experiment: KnownExperiment,
  policy: Policy,
): Decided => {
  if (isInTestbed(experiment)) return inTestbed(key)
  const strangers = data.experimenters.filter((one) => !called(policy.projects, scope)?.members.includes(one))
  if (strangers.length > 0)
    return refuse(
      'no-members',
      `${strangers.join(', ')}: no members of the project ${scope}, so no experimenters of it`,
    )
  const same = [...experiment.experimenters].toSorted().join() === [...data.experimenters].toSorted().join()
  return same ? accept() : accept({ type: 'experiment.experimenters-set', data })
}

export const setCloudLink = (
  { data, key }: Command<'experiment.set-cloud-link'>,
  experiment: KnownExperiment,
): Decided => {
  const uploads = Object.keys(experiment.sites).map((site) => stepOf(experiment, partOfSite(site), 'upload'))
  // A link that has expired is replaced, and the upload retried, once nothing is on its way to it.
  const mayReplace = uploads.some((one) => one?.state === 'failed') && !uploads.some(isOpen)
  if (hasBegun(experiment) && stageOf(experiment) === 'submitted' && !mayReplace)
    return refuse('submitted', `${key} is submitted: its results are there, or on their way`)
  return JSON.stringify(experiment.cloudLink) === JSON.stringify(data.cloudLink)
    ? accept()
    : accept({ type: 'experiment.cloud-link-set', data })
}

export const approve = (
  command: Command<'experiment.approve' | 'experiment.decline'>,
  experiment: KnownExperiment,
  policy: Policy,
): Decided => {
  const { type, data, key, scope } = command
  // Also of what was made before its project came to ask for it.
  if (experiment.approval === 'not-asked' && called(policy.projects, scope)?.approval !== true)
    return refuse('not-asked', `${key} needs no approval: the portal's file does not ask for one in its project`)
  if (hasBegun(experiment)) return refuse('begun', `${key} is in development already`)
  const by = experiment.deeds[deed.approval]
  if (type === 'experiment.approve')
    return experiment.approval === 'given'
      ? doneAlready(command, by, 'approved', `${key} is approved already`)
      : accept({ type: 'experiment.approved', data })
  return experiment.approval === 'declined'
    ? doneAlready(command, by, 'declined', `${key} is declined already`)
    : accept({ type: 'experiment.declined', data: { reason: data.reason } })
}
