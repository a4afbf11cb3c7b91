import { z } from 'zod'
import { type CommandContract, type Contract, command, decided, type MessageOf } from './contract.ts'
import { part, splitPart } from './names.ts'
import { plan, runNode } from './pipeline.ts'

const attempt = z.int().positive().describe('Counted from 1')

/** One execution of one node: the delivery says which of several processes that hold the attempt is meant. */
const execution = z.object({
  part,
  attempt,
  delivery: z.int().positive().describe('How often the work had been delivered; a higher one supersedes'),
  instance: z.string().describe('The host process that executes it'),
})

const how = z.enum(['failed', 'errored']).describe('failed: it said no; errored: it threw')

/** What has happened to a run. */
export const runEvents = {
  'run.planned': decided('The run begins, with these nodes', plan.extend({ nodes: z.array(runNode) })),
  'run.node-scheduled': decided(
    'All nodes before it have succeeded: the node is to be executed',
    z.object({ part, attempt }),
    {
      whose: 'the node that part names, in its pipeline',
      work: (data) => {
        const { pipeline, node } = splitPart(data.part)
        return { where: pipeline, agent: node }
      },
    },
  ),
  'run.node-started': decided('A host executes the node', execution.extend({ host: z.string() })),
  'run.node-succeeded': decided('The node did what it is for', execution.extend({ message: z.string().optional() })),
  'run.node-failed': decided('The node did not succeed', execution.extend({ how, reason: z.string() }), {
    version: 2,
    upcast: {
      // Version 1 did not tell a refusal from an exception; every failure then was an exception.
      1: (data: Readonly<Record<string, unknown>>) => ({ ...data, how: 'errored' }),
    },
  }),
  'run.node-skipped': decided(
    'The node will not be executed, because one before it did not succeed',
    z.object({ part, because: part, reason: z.string() }),
  ),
  'run.report-ignored': decided(
    'A report came too late, or from a process that had been superseded; nothing was changed by it',
    execution.extend({ reported: z.string(), reason: z.string() }),
  ),
  'run.succeeded': decided('Every node has succeeded', z.object({})),
  'run.failed': decided('A node did not succeed, and nothing is left to execute', z.object({ failed: z.array(part) })),
} as const satisfies Contract

export type RunEvent = MessageOf<typeof runEvents>

/** What can be asked of a run; workers ask all of these. */
export const runCommands = {
  'run.start-node': command('Begin to execute a node', execution.extend({ host: z.string() })),
  'run.beat-node': command('Say that the node is still being executed; records nothing', execution),
  'run.report-node': command(
    'Say how it ended',
    execution.extend({
      result: z.discriminatedUnion('outcome', [
        z.object({ outcome: z.literal('succeeded'), message: z.string().optional() }),
        z.object({ outcome: how, reason: z.string() }),
      ]),
    }),
  ),
} as const satisfies CommandContract

export type RunCommand = MessageOf<typeof runCommands>
