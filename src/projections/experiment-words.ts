import type { ExperimentEvent } from '#contracts/experiment'
import type { ScheduledStep } from '#contracts/experiment-parts'

/** What has happened to an experiment, as a sentence. */
export const wordsOf = ({ type, data }: ExperimentEvent): string => {
  switch (type) {
    case 'experiment.created':
      return data.cloneOf === undefined
        ? `Created: ${data.name}`
        : `Created as a clone of ${data.cloneOf}: ${data.name}`
    case 'experiment.updated':
      return `Described anew${changed(data)}`
    case 'experiment.experimenters-set':
      return data.experimenters.length > 0
        ? `Experimenters are ${data.experimenters.join(', ')}`
        : 'Nobody but its creator is an experimenter'
    case 'experiment.cloud-link-set':
      return `Results go to ${data.cloudLink.kind}`
    case 'experiment.approved':
      return 'Approved'
    case 'experiment.declined':
      return 'Declined'
    case 'experiment.development-initiated':
      return `Development initiated at ${data.sites.map(({ site }) => site).join(', ')}, attempt ${data.attempt}`
    case 'experiment.terminated':
      return `Attempt ${data.attempt} terminated`
    case 'experiment.moved-to-testbed':
      return `Moved to the testbed: ${data.nodes.join(', ')}`
    case 'experiment.marked-ready':
      return `Marked ready at ${data.sites.join(', ')}`
    case 'experiment.run-begun':
      return `Run ${data.run} begun on ${data.nodes.join(', ')}`
    case 'experiment.run-cancel-begun':
      return `The run on ${data.nodes.join(', ')} is told to stop`
    case 'experiment.submitted':
      return `Submitted at ${data.sites.join(', ')}${data.partial ? ', with partial results' : ''}`
    case 'experiment.archived':
      return 'Archived'
    case 'experiment.step-handed-over':
      return `Handed over: ${asked(data.next)}`
    case 'experiment.step-retried':
      return `Asked for once more: ${asked(data.next)}`
    case 'experiment.step-started':
      return `${data.step} of ${data.part} started on ${data.host}`
    case 'experiment.step-turned':
      return `${data.step} of ${data.part} is ${data.phase}${data.reason === undefined ? '' : ', and does not go on'}`
    case 'experiment.step-succeeded':
      return `${data.step} of ${data.part} succeeded`
    case 'experiment.step-failed':
      return `${data.step} of ${data.part} ${data.silent ? 'has said nothing for too long' : data.how}`
    case 'experiment.step-cancelled':
      return `${data.step} of ${data.part} cancelled`
    case 'experiment.report-ignored':
      return `A report of ${data.step} of ${data.part} came too late: ${data.reported}`
  }
}

const asked = (next: readonly ScheduledStep[]): string => next.map(({ step, part }) => `${step} of ${part}`).join(', ')

const changed = (data: object): string => {
  const fields = ['name', 'description', 'source', 'resource'].filter((field) => field in data)
  return fields.length > 0 ? `: ${fields.join(', ')}` : ''
}
