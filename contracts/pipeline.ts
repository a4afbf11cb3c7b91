import { z } from 'zod'
import { type CommandContract, type Contract, command, decided, type MessageOf } from './contract.ts'
import { count, digest, name, part, position } from './names.ts'

/** The kinds of node a pipeline has. */
export const nodeKind = z.enum(['metadata-store', 'filesystem-store', 'action', 'store-client', 'metadata-client'])

/** One node of a pipeline's graph, as its definition says. */
export const graphNode = z.object({
  name,
  kind: nodeKind,
  description: z.string().optional(),
  after: z.array(part).describe('The nodes before it, in any pipeline'),
  next: z.array(part).describe('Nodes behind it that it names itself, in any pipeline'),
  watch: z.boolean().optional().describe('A store that starts runs'),
  path: z.string().optional().describe('Its folder or file, as the definition says'),
  of: part.optional().describe('A client: the store that it stands for'),
})

/** A pipeline as somebody defined it. A changed graph is a new version. */
export const graph = z.object({ pipeline: name, nodes: z.array(graphNode) })
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

/** Why a run was started. */
export const trigger = z.object({
  kind: z.enum(['files', 'request']),
  message: z.string(),
  request: z.string().optional().describe('The request that asked for it'),
})

/** A node as one run sees it: the whole extent of the run, over all pipelines, fixed at its start. */
export const runNode = z.object({
  part,
  kind: nodeKind.or(z.literal('unknown')).describe('unknown: named by a neighbour, defined by nobody yet'),
  after: z.array(part),
})

/** A run's first words, the same in the pipeline's history and in the run's own. */
export const plan = z.object({
  run: count.describe('Counted per pipeline from 0, without gaps'),
  graph: digest.describe('Digest of the nodes that the run has'),
  trigger,
  offers: z.array(offer),
})

/** What has happened to a pipeline: what spans its runs. */
export const pipelineEvents = {
  'pipeline.defined': decided('The pipeline has this graph from now on', z.object({ version: count, digest, graph })),
  'pipeline.run-requested': decided(
    'Somebody asked for a run; it is queued until a slot is free',
    z.object({ request: z.string(), message: z.string() }),
  ),
  'pipeline.run-planned': decided('A run took a slot and the artifacts it is offered', plan),
  'pipeline.run-released': decided(
    'A run has ended and its slot is free',
    z.object({ run: count, outcome: z.enum(['succeeded', 'failed']) }),
  ),
} as const satisfies Contract

export type PipelineEvent = MessageOf<typeof pipelineEvents>

/** What can be asked of a pipeline. */
export const pipelineCommands = {
  'pipeline.define': command('Say what the pipeline looks like', z.object({ graph, digest })),
  'pipeline.start': command(
    'Ask for a run, whatever has arrived',
    z.object({ message: z.string().default('on request') }),
  ),
  'pipeline.plan': command(
    'Plan the next run with what has arrived; asked by the host that runs the pipeline',
    z.object({ trigger, offers: z.array(offer), graph: digest, nodes: z.array(runNode) }),
  ),
  'pipeline.release': command(
    'Free the slot of a run that has ended; asked by the host that runs the pipeline',
    z.object({ run: count, outcome: z.enum(['succeeded', 'failed']) }),
  ),
} as const satisfies CommandContract

export type PipelineCommand = MessageOf<typeof pipelineCommands>
