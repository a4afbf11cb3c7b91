import { z } from 'zod'
import { cloudLink } from './cloud-link.ts'
import { type CommandContract, command, type MessageOf } from './contract.ts'
import { attempt, description, how, people, sites, source, title } from './experiment.ts'
import { faultCode, made, results, step, stepExecution, stepTurn } from './experiment-parts.ts'
import { name, part, said } from './names.ts'
import { resourceDefinition } from './resource.ts'

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
  'experiment.turn-step': command('Say what the execution is at, and why it does not go on', stepTurn),
  'experiment.report-step': command(
    'Say how it ended',
    stepExecution.extend({
      result: z.discriminatedUnion('outcome', [
        z.object({ outcome: z.literal('succeeded'), made }),
        z.object({ outcome: how, reason: z.string(), code: faultCode, results: results.optional() }),
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
