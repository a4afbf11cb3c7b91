import { z } from 'zod'
import { type CommandContract, type Contract, command, decided, type MessageOf, type WorkFor } from './contract.ts'
import { part, said, splitPart } from './names.ts'
import { milliseconds, plan, runNode } from './pipeline.ts'

const attempt = z.int().positive().describe('Counted from 1')

/** A node that is to be executed. */
const scheduled = z.object({
  part,
  attempt,
  timeout: milliseconds.optional().describe('How long one execution may take, in milliseconds: its host sees to that'),
})

export type ScheduledNode = z.infer<typeof scheduled>

const workFor = (scheduledPart: string): WorkFor => {
  const { pipeline, node } = splitPart(scheduledPart)
  return { where: pipeline, agent: node }
}

/** One execution of one node: the delivery says which of several processes that hold the attempt is meant. */
const execution = z.object({
  part,
  attempt,
  delivery: z.int().positive().describe('How often the work had been delivered; a higher one supersedes'),
  instance: z.string().describe('The host process that executes it'),
})

const how = z.enum(['failed', 'errored']).describe('failed: it said no; errored: it threw, or took too long')

/** Where in an execution a node is, if it does more than its work. */
const phase = z.enum(['preparing', 'running', 'cleaning-up'])

/** Who holds a run back: whoever asked it of the run, or its pipeline that is paused. */
const holder = z.enum(['request', 'pipeline'])

/** How long what runs may take to stop and to say so, in milliseconds, before the run ends without it. */
export const stopsWithin = 30_000

/** What has happened to a run. */
export const runEvents = {
  'run.planned': decided('The run begins, with these nodes', plan.extend({ nodes: z.array(runNode) }), {
    version: 3,
    upcast: {
      // Version 1 knew fewer reasons for a run, version 2 fewer kinds of node; what they said means the same.
      1: (data: Readonly<Record<string, unknown>>) => data,
      2: (data: Readonly<Record<string, unknown>>) => data,
    },
  }),
  'run.node-known': decided(
    'A node that nobody had defined when the run began is defined now',
    runNode.omit({ after: true, reused: true }),
    // Version 1 knew fewer kinds of node.
    { version: 2, upcast: { 1: (data: Readonly<Record<string, unknown>>) => data } },
  ),
  'run.node-scheduled': decided('What it waited for has come: the node is to be executed', scheduled, {
    whose: 'the node that part names, in its pipeline',
    work: (data) => [workFor(data.part)],
  }),
  'run.node-started': decided('A host executes the node', execution.extend({ host: z.string() })),
  'run.node-turned': decided('The execution has come to another phase', execution.extend({ phase })),
  'run.node-succeeded': decided(
    'The node did what it is for, and what waited for that is to be executed',
    execution.extend({
      message: z.string().optional(),
      next: z.array(scheduled).describe('The nodes that are to be executed now, as nothing else was missing'),
    }),
    {
      version: 2,
      // Version 1 left it to events of their own to say which.
      upcast: { 1: (data: Readonly<Record<string, unknown>>) => ({ ...data, next: [] }) },
      whose: 'the nodes that next names, each in its pipeline',
      work: (data) => data.next.map(({ part }) => workFor(part)),
    },
  ),
  'run.node-failed': decided('The node did not succeed', execution.extend({ how, reason: z.string() }), {
    version: 2,
    upcast: {
      // Version 1 did not tell a refusal from an exception; every failure then was an exception.
      1: (data: Readonly<Record<string, unknown>>) => ({ ...data, how: 'errored' }),
    },
  }),
  'run.node-retry-set': decided(
    'The node is to be tried again after a while',
    z.object({
      part,
      attempt,
      tries: z.int().positive().describe('Which retry it will be, from 1'),
      of: z.int().positive().describe('How many there are at most'),
      delay: z.int().nonnegative().describe('Milliseconds'),
    }),
    { delay: ({ delay }) => delay },
  ),
  'run.node-skipped': decided(
    'The node will not be executed, because one before it did not succeed',
    z.object({ part, because: part, reason: z.string() }),
  ),
  'run.node-cancelled': decided(
    'The node will not be executed, or not to its end',
    z.object({
      part,
      attempt: z.int().nonnegative().describe('0 where it had not been scheduled'),
      stopped: z.boolean().describe('false: nobody has said that what was executed has stopped'),
      reason: z.string(),
    }),
  ),
  'run.report-ignored': decided(
    'A report came too late, or from a process that had been superseded; nothing was changed by it',
    execution.extend({ reported: z.string(), reason: z.string() }),
  ),
  'run.paused': decided('No node begins until the run is resumed', z.object({ by: holder, reason: z.string() })),
  'run.resumed': decided('One who held the run back lets go of it', z.object({ by: holder })),
  'run.stop-begun': decided(
    'The run is to end: what is executed is told to stop, and nothing else begins',
    z.object({ why: z.enum(['cancelled', 'timed-out']), reason: z.string() }),
    { delay: () => stopsWithin },
  ),
  'run.succeeded': decided('Every node has succeeded', z.object({})),
  'run.failed': decided('A node did not succeed, and nothing is left to execute', z.object({ failed: z.array(part) })),
  'run.cancelled': decided(
    'Somebody ended it',
    z.object({ reason: z.string(), unstopped: z.array(part).describe('What may be executed still') }),
  ),
  'run.timed-out': decided(
    'It took longer than its deadline',
    z.object({ reason: z.string(), unstopped: z.array(part).describe('What may be executed still') }),
  ),
} as const satisfies Contract

export type RunEvent = MessageOf<typeof runEvents>

/** What can be asked of a run: by workers, by people, and by whoever hears that a time has come. */
export const runCommands = {
  'run.start-node': command('Begin to execute a node', execution.extend({ host: z.string() })),
  'run.beat-node': command('Say that the node is still being executed; records nothing', execution),
  'run.turn-node': command('Say that the execution has come to another phase', execution.extend({ phase })),
  'run.report-node': command(
    'Say how it ended',
    execution.extend({
      result: z.discriminatedUnion('outcome', [
        z.object({ outcome: z.literal('succeeded'), message: z.string().optional() }),
        z.object({ outcome: how, reason: z.string() }),
        z.object({ outcome: z.literal('cancelled'), reason: z.string() }),
      ]),
    }),
  ),
  'run.cancel': command(
    'End the run: what is executed is stopped, and nothing else begins',
    z.object({ reason: said.default('on request') }),
  ),
  'run.pause': command(
    'Let no further node begin; what is being executed goes on to its end',
    z.object({ reason: said.default('on request') }),
  ),
  'run.resume': command('Let what was held back begin', z.object({})),
  'run.hold': command('Pause it because its pipeline is paused', z.object({ reason: z.string() })),
  'run.let-go': command('Resume it because its pipeline is resumed', z.object({})),
  'run.know-node': command('Say what a node is that nobody had defined', runNode.omit({ after: true, reused: true })),
  'run.retry-node': command('Try a node again, as its time has come', z.object({ part, attempt })),
  'run.expire': command('End a run that has taken too long, if it has', z.object({})),
  'run.settle': command('End a run that was to stop, whatever has not said that it stopped', z.object({})),
} as const satisfies CommandContract

export type RunCommand = MessageOf<typeof runCommands>
