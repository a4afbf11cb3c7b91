import { z } from 'zod'
import { cloudLink } from './cloud-link.ts'
import { type CommandContract, type Contract, command, decided, type MessageOf } from './contract.ts'
import {
  made,
  phase,
  type phase as phaseOf,
  results,
  type ScheduledStep,
  scheduledStep,
  step,
  stepExecution,
  workOfStep,
} from './experiment-parts.ts'
import { anyGitLink, gitRef } from './git-link.ts'
import { name, part, said } from './names.ts'
import { resourceDefinition } from './resource.ts'

export type StepPhase = z.infer<typeof phaseOf>

/** Where an experiment's code comes from. */
export const source = z.object({
  link: anyGitLink,
  ref: gitRef.optional().describe('A branch or a tag; what is built is the commit that it named when it was fetched'),
})

const title = z.string().trim().min(1, 'expected a name').max(200)
const description = z.string().max(10_000)
const people = z.array(name).max(100)
const sites = z.array(name).min(1).max(20)
const next = z.array(scheduledStep).describe('The steps that are to be taken now')
const attempt = z.int().positive()

/** How a site is reached in one attempt, and who builds there: fixed when the attempt begins. */
const siteInAttempt = z.object({
  site: name,
  builder: z.enum(['site-server', 'command']).describe('command: told over ssh to the site server'),
})

/** How long what runs may take to stop and to say so, in milliseconds, before the run ends without it. */
export const cancelledWithin = 900_000

/** How long a run may be over its time without a word of its end, in milliseconds: its node may be cut off, and say it later. */
export const silentFor = 600_000

const scheduling = {
  whose: 'whoever next names, at the place of the part',
  work: (data: { readonly next: readonly ScheduledStep[] }) => data.next.map(workOfStep),
} as const

const how = z.enum(['failed', 'errored']).describe('failed: it said no; errored: it broke, or took too long')

/** What has happened to an experiment. */
export const experimentEvents = {
  'experiment.created': decided(
    'Somebody wants to do this at these sites',
    z.object({
      name: title,
      description,
      source,
      resource: resourceDefinition,
      cloudLink: cloudLink.optional(),
      approval: z.boolean().describe('Whether an administrator is to approve it first'),
      cloneOf: z.string().optional().describe('The experiment that it repeats'),
    }),
  ),
  'experiment.updated': decided(
    'It is described anew; what has been begun goes on as it was',
    z.object({
      name: title.optional(),
      description: description.optional(),
      source: source.optional(),
      resource: resourceDefinition.optional(),
      unapproved: z.boolean().describe('Whether it is to be approved once more'),
    }),
  ),
  'experiment.experimenters-set': decided('These may do what its creator may', z.object({ experimenters: people })),
  'experiment.cloud-link-set': decided('Its results go there', z.object({ cloudLink })),
  'experiment.approved': decided('An administrator allows it', z.object({ reason: said })),
  'experiment.declined': decided('An administrator does not allow it', z.object({ reason: said })),
  'experiment.development-initiated': decided(
    'Its code is to be fetched, brought to its sites and built there',
    z.object({ attempt, source, resource: resourceDefinition, sites: z.array(siteInAttempt), next }),
    scheduling,
  ),
  'experiment.terminated': decided(
    'What was under way is given up, and it can be begun anew; nothing is deleted',
    z.object({ attempt: attempt.describe('The one that ended'), reason: said }),
  ),
  'experiment.moved-to-testbed': decided(
    'These end nodes are its own, and get what runs on them',
    z.object({ attempt, nodes: z.array(part), next }),
    scheduling,
  ),
  'experiment.marked-ready': decided('It can be run at these sites', z.object({ attempt, sites })),
  'experiment.run-begun': decided(
    'It is to be run on these end nodes',
    z.object({ attempt, run: z.int().positive(), nodes: z.array(part), next }),
    scheduling,
  ),
  'experiment.run-cancel-begun': decided(
    'What runs is told to stop',
    z.object({ attempt, nodes: z.array(part), reason: said }),
    { delay: () => cancelledWithin },
  ),
  'experiment.submitted': decided(
    'It is finished at these sites, and its results are brought home',
    z.object({
      attempt,
      sites,
      partial: z.boolean().describe('Whether results of a run that failed are among them'),
      next,
    }),
    scheduling,
  ),
  'experiment.archived': decided('Nobody needs it any longer', z.object({})),
  'experiment.step-handed-over': decided(
    'A site server was told to take a step that another had been asked for',
    z.object({ next }),
    scheduling,
  ),
  'experiment.step-retried': decided('A step that had failed is to be taken once more', z.object({ next }), scheduling),
  'experiment.step-started': decided(
    'Somebody has begun with a step',
    stepExecution.extend({
      host: z.string(),
      duration: scheduledStep.shape.duration,
      timeout: scheduledStep.shape.timeout.describe('Of a run: how long all of its step may take, in milliseconds'),
    }),
    { delay: ({ timeout }) => (timeout === undefined ? undefined : timeout + silentFor) },
  ),
  'experiment.step-turned': decided('The execution has come to another phase', stepExecution.extend({ phase })),
  'experiment.step-succeeded': decided(
    'The step is done, and what waited for it is to be done now',
    stepExecution.extend({ made, next }),
    scheduling,
  ),
  'experiment.step-failed': decided(
    'The step did not succeed',
    stepExecution.extend({
      how,
      reason: z.string(),
      results: results.optional(),
      silent: z.boolean().optional().describe('true: nobody has said how it ended; who executes it may say so yet'),
      next,
    }),
    scheduling,
  ),
  'experiment.step-cancelled': decided(
    'The step was not taken, or not to its end, as somebody asked for that',
    z.object({
      part,
      step,
      attempt,
      try: z.int().positive(),
      reason: z.string(),
      stopped: z.boolean().describe('false: nobody has said that what was executed has stopped'),
      results: results.optional(),
      next,
    }),
    scheduling,
  ),
  'experiment.report-ignored': decided(
    'A report came too late, or of an earlier attempt; nothing was changed by it',
    stepExecution.extend({ reported: z.string(), reason: z.string() }),
  ),
} as const satisfies Contract

export type ExperimentEvent = MessageOf<typeof experimentEvents>

const given = said.default('on request')

/** What can be asked of an experiment: by people, by whoever takes its steps, and by whoever hears that a time has come. */
export const experimentCommands = {
  'experiment.create': command(
    'Make an experiment',
    z.object({
      name: title,
      description: description.default(''),
      source,
      resource: resourceDefinition,
      cloudLink: cloudLink.optional(),
      cloneOf: z.string().max(128).optional(),
    }),
  ),
  'experiment.update': command(
    'Describe it anew: what is left out stays as it is',
    z.object({
      name: title.optional(),
      description: description.optional(),
      source: source.optional(),
      resource: resourceDefinition.optional(),
    }),
  ),
  'experiment.set-experimenters': command('Say who may do what its creator may', z.object({ experimenters: people })),
  'experiment.set-cloud-link': command('Say where its results go', z.object({ cloudLink })),
  'experiment.approve': command('Allow it', z.object({ reason: said.default('') })),
  'experiment.decline': command('Do not allow it', z.object({ reason: said.min(1, 'expected a reason') })),
  'experiment.initiate': command('Fetch its code, bring it to its sites, and build it there', z.object({})),
  'experiment.terminate': command(
    'Give up what is under way, so that it can be begun anew',
    z.object({ reason: given }),
  ),
  'experiment.move-to-testbed': command(
    'Give it these end nodes, and bring there what is to run',
    z.object({ nodes: z.array(part).min(1).max(500).describe('Each as <site>/<node>') }),
  ),
  'experiment.mark-ready': command(
    'Say that it can be run',
    z.object({ sites: sites.optional().describe('All of its sites unless said') }),
  ),
  'experiment.run': command('Run it', z.object({ sites: sites.optional().describe('All of its sites unless said') })),
  'experiment.cancel-run': command('Stop what runs', z.object({ reason: given })),
  'experiment.submit': command(
    'Say that it is finished, and bring its results home',
    z.object({
      sites: sites.optional().describe('All of its sites unless said'),
      acceptPartial: z.boolean().default(false).describe('Take the results of a run that failed as well'),
    }),
  ),
  'experiment.retry': command('Take a step once more that has failed', z.object({ part, step })),
  'experiment.archive': command('Put it away', z.object({})),
  'experiment.package': command(
    'Let the site server build it, as whoever was to tell it does now',
    z.object({ site: name }),
  ),
  'experiment.start-step': command('Begin with a step', stepExecution.extend({ host: z.string() })),
  'experiment.beat-step': command('Say that the step is still being taken; records nothing', stepExecution),
  'experiment.turn-step': command('Say that the execution has come to another phase', stepExecution.extend({ phase })),
  'experiment.report-step': command(
    'Say how it ended',
    stepExecution.extend({
      result: z.discriminatedUnion('outcome', [
        z.object({ outcome: z.literal('succeeded'), made }),
        z.object({ outcome: how, reason: z.string(), results: results.optional() }),
        z.object({ outcome: z.literal('cancelled'), reason: z.string(), results: results.optional() }),
      ]),
    }),
  ),
  'experiment.expire-step': command('End a step of which nobody has said for too long that it ended', stepExecution),
  'experiment.settle': command(
    'End a run that was to stop, whatever has not said that it stopped',
    z.object({ attempt, nodes: z.array(part) }),
  ),
} as const satisfies CommandContract

export type ExperimentCommand = MessageOf<typeof experimentCommands>
