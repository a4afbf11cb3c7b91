import { z } from 'zod'
import type { WorkFor } from './contract.ts'
import { count, digest, name, part, splitPart } from './names.ts'
import { milliseconds } from './pipeline.ts'
import type { Address } from './subjects.ts'

/** What is done for an experiment, in the order in which it is. */
export const steps = ['fetch', 'ship', 'build', 'deliver', 'probe', 'run', 'collect', 'pull', 'upload'] as const
export const step = z.enum(steps)
export type StepName = z.infer<typeof step>

/** Where in a step its execution is. */
export const phase = z.enum([
  'instructing',
  'building',
  'pushing',
  'fetching-image',
  'running',
  'collecting',
  'cleaning',
])

/** The place of what the portal does once for the whole of an experiment. */
export const portalPlace = 'portal'

/** What stands for a site as a whole, or for the portal, where an end node is named otherwise. */
export const wholePlace = 'self'

/** The part that a site is as a whole. */
export const partOfSite = (site: string): string => `${site}/${wholePlace}`

/** The part that the portal is. */
export const portalPart = partOfSite(portalPlace)

/** The site of a part, and its end node; undefined where the part is the site as a whole. */
export const placeOfPart = (of: string): { readonly site: string; readonly node: string | undefined } => {
  const { pipeline: site, node } = splitPart(of)
  return { site, node: node === wholePlace ? undefined : node }
}

/** An experiment's id: its project, and a word of its own behind the last `-`: so it is told apart over all projects. */
export const experimentId = z
  .string()
  .regex(/^[\w-]{1,100}-[a-z0-9]{1,27}$/, 'use <project>-<letters and digits>')
  .describe('<project>-<letters and digits>')

/** The project of an experiment, by its id. */
export const projectOf = (id: string): string => id.slice(0, Math.max(0, id.lastIndexOf('-')))

/** Where an experiment is decided, by its id. */
export const addressOfExperiment = (id: string): Address => ({ aggregate: 'experiment', scope: projectOf(id), key: id })

/** One step that is to be taken for one part. */
export const scheduledStep = z.object({
  part,
  step,
  agent: name.describe('Who takes it, at the place that the part names'),
  attempt: z.int().positive().describe('The attempt of the experiment, counted from 1'),
  try: z.int().positive().describe('How often the step has been asked for in this attempt, counted from 1'),
  run: z.int().positive().optional().describe('The run that it belongs to, counted from 1 in this attempt'),
  timeout: milliseconds.optional().describe('How long it may take, in milliseconds: whoever takes it sees to that'),
  duration: milliseconds.optional().describe('Of a run: how long its container may, in milliseconds from its start'),
})
export type ScheduledStep = z.infer<typeof scheduledStep>

/** Whose work a step is. */
export const workOfStep = ({ part: of, agent }: ScheduledStep): WorkFor => ({ where: placeOfPart(of).site, agent })

/** One execution of one step: the delivery says which of several processes that hold it is meant. */
export const stepExecution = z.object({
  part,
  step,
  agent: name.describe('Who was asked to take it'),
  attempt: z.int().positive(),
  try: z.int().positive(),
  delivery: z.int().positive().describe('How often the work had been delivered; a higher one supersedes'),
  instance: z.string().describe('The process that executes it'),
})
export type StepExecution = z.infer<typeof stepExecution>

/** What kind of fault it was, where that is known: what is its user's own to mend is told apart by it. */
export const faultCode = z.string().max(100).optional().describe('The kind of fault, as source.no-config')

/** What an execution is at, as whoever takes the step says. */
export const stepTurn = stepExecution.extend({
  phase,
  reason: z.string().optional().describe('Why it does not go on at present, where something is tried again'),
})

/** Results as they lie in a folder: told apart by the digest of their manifest. */
export const results = z.object({
  manifest: digest,
  files: count,
  bytes: count,
  refused: count.describe('How many things that were no files were left behind'),
  partial: z.boolean().describe('true: taken of a run that did not succeed'),
  bundle: digest.optional().describe('Where they travel over the bus'),
})
export type Results = z.infer<typeof results>

/** An image that can't change any more. */
export const pinnedImage = z
  .string()
  .max(500)
  .regex(/^[\w.:/-]+@sha256:[0-9a-f]{64}$/, 'use <registry>/<name>@sha256:<digest>')

const composeText = z.string().max(65_536).describe('The text of a Compose file')

/** What came of a step that succeeded. */
export const made = z.discriminatedUnion('step', [
  z.object({ step: z.literal('fetch'), commit: z.string().regex(/^[0-9a-f]{40,64}$/), files: count, bytes: count }),
  z.object({ step: z.literal('ship'), bundle: digest.optional().describe('Where it travels over the bus') }),
  z.object({ step: z.literal('build'), image: pinnedImage, compose: composeText }),
  z.object({
    step: z.literal('deliver'),
    compose: composeText.optional().describe('Where the node takes it from here'),
  }),
  z.object({ step: z.literal('probe') }),
  z.object({ step: z.literal('run'), exitCode: z.int(), results }),
  z.object({ step: z.literal('collect'), bundle: digest.optional().describe('Where they travel over the bus') }),
  z.object({ step: z.literal('pull'), files: count, bytes: count }),
  z.object({ step: z.literal('upload'), to: z.string().max(2_000), files: count, bytes: count }),
])
export type Made = z.infer<typeof made>
