import { z } from 'zod'
import { cloudLink } from './cloud-link.ts'
import { type Contract, decided, type MessageOf } from './contract.ts'
import {
  faultCode,
  made,
  type phase,
  results,
  type ScheduledStep,
  scheduledStep,
  step,
  stepExecution,
  stepTurn,
  workOfStep,
} from './experiment-parts.ts'
import { anyGitLink, gitRef } from './git-link.ts'
import { name, part, said } from './names.ts'
import { resourceDefinition } from './resource.ts'

export type StepPhase = z.infer<typeof phase>

/** Where an experiment's code comes from. */
export const source = z.object({
  link: anyGitLink,
  ref: gitRef.optional().describe('A branch or a tag; what is built is the commit that it named when it was fetched'),
})

export const title = z.string().trim().min(1, 'expected a name').max(200)
export const description = z.string().max(10_000)
export const people = z.array(name).max(100)
export const sites = z.array(name).min(1).max(20)
const next = z.array(scheduledStep).describe('The steps that are to be taken now')
export const attempt = z.int().positive()

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

export const how = z.enum(['failed', 'errored']).describe('failed: it said no; errored: it broke, or took too long')

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
  'experiment.step-turned': decided(
    'The execution has come to another phase, or has another reason not to go on',
    stepTurn,
  ),
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
      code: faultCode,
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
