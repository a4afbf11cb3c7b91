import { z } from 'zod'
import { type CommandContract, type Contract, command, decided, type MessageOf } from './contract.ts'
import { count, digest, name, part, position, said } from './names.ts'
import { repetition, repetitionAsked } from './repetition.ts'
import { measurement } from './tracking.ts'

/** The kinds of node that keep files: all of them are asked for what lies there, and sent to, in the same way. */
export const storeKind = z.enum(['filesystem-store', 'model-registry', 'dataset-registry', 'resource'])

/** Whether a node of this kind keeps files. */
export const keepsFiles = (kind: string): kind is z.infer<typeof storeKind> => storeKind.safeParse(kind).success

/** The kinds of node a pipeline has. */
export const nodeKind = z.enum(['metadata-store', ...storeKind.options, 'action', 'store-client', 'metadata-client'])

/** A span of time in milliseconds; what is longer than a year is a mistake. */
export const milliseconds = z
  .int()
  .positive()
  .max(366 * 86_400_000)

/** How often a node that broke is tried again, and after which delays: the first, then each `factor` times the one before. */
export const retry = z.object({
  times: z.int().positive().max(1000),
  delay: milliseconds,
  factor: z.number().min(1).max(100),
  most: milliseconds.describe('No delay is longer'),
})
export type Retry = z.infer<typeof retry>

/** How a run treats a node; what is left out is usual: it waits for all before it, is tried once, and may take any time. */
const policy = {
  join: z.enum(['all', 'any']).optional().describe('any: it starts once one node before it has succeeded'),
  retry: retry.optional(),
  timeout: milliseconds.optional().describe('How long one execution may take, in milliseconds'),
}

/** One node of a pipeline's graph, as its definition says. */
export const graphNode = z.object({
  name,
  kind: nodeKind,
  ...policy,
  concurrency: z.int().positive().optional().describe('How many executions of it there may be at once, over all runs'),
  description: z.string().optional(),
  after: z.array(part).describe('The nodes before it, in any pipeline'),
  next: z.array(part).describe('Nodes behind it that it names itself, in any pipeline'),
  watch: z.boolean().optional().describe('A store that starts runs'),
  condition: z.boolean().optional().describe('It has a condition of its own that its host must be asked for'),
  path: z.string().optional().describe('Its folder or file, as the definition says'),
  of: part.optional().describe('A client: the store that it stands for'),
})

/** A pipeline as somebody defined it. A changed graph is a new version. */
export const graph = z.object({
  pipeline: name,
  nodes: z.array(graphNode),
  concurrency: z.int().positive().optional().describe('How many of its runs may be under way at once; 1 unless said'),
  deadline: milliseconds.optional().describe('How long a run may take, in milliseconds; seven days unless said'),
})
export type Graph = z.infer<typeof graph>
export type GraphNode = z.infer<typeof graphNode>

/** The facts of one resource that a run is offered: those after one position, up to another. */
export const offer = z.object({
  resource: part,
  after: position,
  upTo: position,
  count: count.describe('Artifacts in the range'),
})
export type Offer = z.infer<typeof offer>

/** A number that was logged and met the condition of the metadata store. */
export const firing = z.object({ key: z.string(), value: measurement, position })
export type Firing = z.infer<typeof firing>

/** Why a run was started. */
export const trigger = z.object({
  kind: z.enum(['files', 'request', 'metric', 'rerun']),
  message: z.string(),
  request: z.string().optional().describe('The request that asked for it'),
  metric: firing.optional(),
  rerun: repetition.optional(),
})

/** A node as one run sees it: the whole extent of the run, over all pipelines, fixed at its start. */
export const runNode = z.object({
  part,
  kind: nodeKind.or(z.literal('unknown')).describe('unknown: named by a neighbour, defined by nobody yet'),
  after: z.array(part),
  ...policy,
  reused: count.optional().describe('It is not executed: what it gave in this run of the pipeline stands'),
})
export type RunNode = z.infer<typeof runNode>

/** A run's first words, the same in the pipeline's history and in the run's own. */
export const plan = z.object({
  run: count.describe('Counted per pipeline from 0, without gaps'),
  graph: digest.describe('Digest of the nodes that the run has'),
  trigger,
  offers: z.array(offer),
  deadline: milliseconds.optional().describe('After how many milliseconds it is ended, whatever it waits for'),
})

const ended = z.enum(['succeeded', 'failed', 'cancelled', 'timed-out'])
export type Outcome = z.infer<typeof ended>

/** Version 1 knew fewer words; what it said means the same. */
const same = { version: 2, upcast: { 1: (data: Readonly<Record<string, unknown>>) => data } }

/** What has happened to a pipeline: what spans its runs. */
export const pipelineEvents = {
  'pipeline.defined': decided(
    'The pipeline has this graph from now on',
    z.object({ version: count, digest, graph }),
    same, // Version 1 knew fewer kinds of node.
  ),
  'pipeline.run-requested': decided(
    'Somebody asked for a run; it is queued until a slot is free',
    z.object({
      request: z.string(),
      message: z.string(),
      metric: firing.optional().describe('The metadata store asked for it, because of this'),
      rerun: repetition.optional(),
    }),
  ),
  'pipeline.request-dropped': decided(
    'No run will come of a request',
    z.object({ request: z.string(), reason: z.string() }),
  ),
  'pipeline.run-planned': decided('A run took a slot and the artifacts it is offered', plan, {
    ...same,
    delay: ({ deadline }) => deadline,
  }),
  'pipeline.run-released': decided(
    'A run has ended and its slot is free',
    z.object({ run: count, outcome: ended }),
    same,
  ),
  'pipeline.paused': decided(
    'No run begins, and in those under way no node, until it is resumed',
    z.object({ reason: z.string() }),
  ),
  'pipeline.resumed': decided('What was held back goes on', z.object({})),
  'pipeline.waits': decided(
    'What has arrived is not enough for a run, for these reasons; none: nothing is held against it',
    z.object({ reasons: z.record(part, z.string()) }),
  ),
} as const satisfies Contract

export type PipelineEvent = MessageOf<typeof pipelineEvents>

/** What can be asked of a pipeline. */
export const pipelineCommands = {
  'pipeline.define': command('Say what the pipeline looks like', z.object({ graph, digest })),
  'pipeline.start': command('Ask for a run, whatever has arrived', z.object({ message: said.default('on request') })),
  'pipeline.rerun': command(
    'Ask for a run to be repeated with the same inputs; what is before the nodes that it starts from is not executed again',
    repetitionAsked.extend({ message: said.optional() }),
  ),
  'pipeline.withdraw': command(
    'Take back a request that no run has answered yet',
    z.object({ request: z.string(), reason: said.default('withdrawn') }),
  ),
  'pipeline.pause': command(
    'Hold back runs and nodes; what is being executed goes on to its end',
    z.object({ reason: said.default('on request') }),
  ),
  'pipeline.resume': command('Let go of what was held back', z.object({})),
  'pipeline.fire': command(
    'Ask for a run because a metric met the condition; asked by the host that runs the pipeline',
    z.object({ metric: firing, message: z.string() }),
  ),
  'pipeline.plan': command(
    'Plan the next run with what has arrived; asked by the host that runs the pipeline',
    z.object({
      trigger,
      offers: z.array(offer),
      graph: digest,
      nodes: z.array(runNode),
      deadline: milliseconds.optional(),
    }),
  ),
  'pipeline.drop': command(
    'Give up on a request that can lead to no run; asked by the host that runs the pipeline',
    z.object({ request: z.string(), reason: z.string() }),
  ),
  'pipeline.release': command(
    'Free the slot of a run that has ended; asked by the host that runs the pipeline',
    z.object({ run: count, outcome: ended }),
  ),
  'pipeline.explain': command(
    'Say why what has arrived is not enough; asked by the host that runs the pipeline',
    z.object({ reasons: z.record(part, z.string()) }),
  ),
} as const satisfies CommandContract

export type PipelineCommand = MessageOf<typeof pipelineCommands>
