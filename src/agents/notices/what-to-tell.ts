import type { z } from 'zod'
import type { ExperimentEvent } from '#contracts/experiment'
import { placeOfPart, portalPlace, type StepName } from '#contracts/experiment-parts'
import { runOf, stepOf } from '#contracts/experiment-standing'
import type { KnownExperiment } from '#contracts/experiment-state'
import type { occasion } from '#contracts/notification'

export type Occasion = z.infer<typeof occasion>

/** Owners are its creator and its experimenters. */
export type Whom = 'owners' | 'operators' | 'administrators'

/** What some people are told: what has happened, and what they can do. */
export type ToTell = {
  readonly whom: Whom
  readonly occasion: Occasion
  readonly what: string
  readonly todo?: string | undefined
}

const waits = (whom: Whom, what: string, todo: string): ToTell => ({ whom, occasion: 'waits-for-me', what, todo })
const step = (what: string): ToTell => ({ whom: 'owners', occasion: 'step', what })

/** What an event means to whom, most pressing first. The experiment is as it is once the event has happened. */
export const whatToTell = (
  event: ExperimentEvent & { readonly principal: string },
  now: KnownExperiment,
): readonly ToTell[] => {
  const { principal: who } = event
  switch (event.type) {
    case 'experiment.created':
      return event.data.approval ? [toApprove] : []
    case 'experiment.updated':
      return event.data.unapproved ? [toApprove] : []
    case 'experiment.approved':
      return [waits('owners', `${who} has approved it`, 'You can initiate its development now.')]
    case 'experiment.declined':
      return [
        waits('owners', `${who} has declined it: ${event.data.reason}`, 'Change it, and it is looked at once more.'),
      ]
    case 'experiment.development-initiated':
      return [step(`${who} has initiated its development`)]
    case 'experiment.terminated':
      return [step(`${who} has terminated its development: ${event.data.reason}`)]
    case 'experiment.moved-to-testbed':
      return [step(`It was moved to the testbed: ${event.data.nodes.join(', ')}`)]
    case 'experiment.marked-ready': {
      const what = `It is ready to be run at ${event.data.sites.join(', ')}`
      return [waits('operators', what, 'Run it.'), step(what)]
    }
    case 'experiment.run-begun':
      return [step(`Its run ${event.data.run} was begun on ${event.data.nodes.join(', ')}`)]
    case 'experiment.run-cancel-begun':
      return [step(`${who} has cancelled its run: ${event.data.reason}`)]
    case 'experiment.submitted':
      return [step(`It was submitted at ${event.data.sites.join(', ')}: its results are brought home`)]
    case 'experiment.step-succeeded':
      return afterSuccess(event.data.part, event.data.step, event.data.made, now)
    case 'experiment.step-failed': {
      const { part, step: name, reason } = event.data
      const what = `${doing[name]} has failed at ${placeIn(part)}: ${reason}`
      return [
        waits('operators', what, 'Retry the step once that is mended.'),
        { whom: 'owners', occasion: 'failed', what },
      ]
    }
    case 'experiment.step-cancelled': {
      const { part, step: name, reason } = event.data
      const what = `${doing[name]} was cancelled at ${placeIn(part)}: ${reason}`
      const { site } = placeOfPart(part)
      const isOver = name === 'run' && runOf(now, site) === 'failed'
      return [
        ...(isOver ? [waits('operators', what, `Run it again, or submit what there is at ${site}.`)] : []),
        step(what),
      ]
    }
    default:
      return []
  }
}

const toApprove = waits('administrators', 'It waits to be approved', 'Approve or decline it.')

type Succeeded = Extract<ExperimentEvent, { type: 'experiment.step-succeeded' }>['data']

const afterSuccess = (
  part: string,
  name: StepName,
  made: Succeeded['made'],
  now: KnownExperiment,
): readonly ToTell[] => {
  const { site } = placeOfPart(part)
  const { nodes = [], stage } = now.sites[site] ?? {}
  switch (name) {
    case 'build':
      return [
        waits('operators', `Its image is built at ${site}`, 'Move it to the testbed.'),
        step(`Its image is built at ${site}`),
      ]
    case 'deliver': {
      const isAll = stage === 'testbed' && nodes.every((node) => stepOf(now, node, name)?.state === 'succeeded')
      const what = `It was delivered to ${isAll ? nodes.join(', ') : part}`
      return [...(isAll ? [waits('operators', what, 'Mark it ready.')] : []), step(what)]
    }
    case 'collect': {
      const run = runOf(now, site)
      if (run === 'open') return [step(`Its results were collected from ${part}`)]
      const what = run === 'succeeded' ? `Its run has finished at ${site}` : `Its run at ${site} did not succeed`
      const todo = run === 'succeeded' ? 'Submit it.' : 'Run it again, or submit what there is.'
      return [
        waits('operators', what, todo),
        { whom: 'owners', occasion: run === 'succeeded' ? 'finished' : 'failed', what },
      ]
    }
    case 'upload': {
      const where = made.step === 'upload' ? made.to : 'its place'
      return [{ whom: 'owners', occasion: 'finished', what: `Its results from ${site} are at ${where}` }]
    }
    default:
      return [step(`${doing[name]} has succeeded at ${placeIn(part)}`)]
  }
}

const doing: Readonly<Record<StepName, string>> = {
  fetch: 'Fetching its code',
  ship: 'Bringing it to its site',
  build: 'Building its image',
  deliver: 'Delivering it',
  probe: 'Looking at where its results go',
  run: 'Its run',
  collect: 'Collecting its results',
  pull: 'Bringing its results home',
  upload: 'Uploading its results',
}

const placeIn = (part: string): string => {
  const { site, node } = placeOfPart(part)
  if (node !== undefined) return part
  return site === portalPlace ? 'the portal' : site
}
