import { randomUUID } from 'node:crypto'
import { type Command, InvalidArgumentError } from 'commander'
import { ask } from '#bus/command'
import { placeOfPart, projectOf } from '#contracts/experiment-parts'
import { partIn, withExperiment } from './experiment-words.ts'
import { inSession, type SessionOptions, withSession } from './session.ts'
import { printAnswer, reason } from './words.ts'

type Kept = SessionOptions & {
  readonly project: string
  readonly from: string
  readonly until: string
  readonly note?: string
}

/** Verbs that make an experiment once more, and that keep end nodes free. */
export const experimentMore = (experiment: Command): void => {
  withExperiment(experiment.command('clone'))
    .description('make an experiment like another one: what is to be run again after it was submitted')
    .option('--name <text>', 'what people call it; that of the other one unless said')
    .option('--cloud <link>', 'where its results go: its secrets are not those of the other one')
    .addHelpText(
      'after',
      '\nExample:\n  millrace experiment clone rover-7k2m9x --cloud directory:carol/again --as carol',
    )
    .action((of: string, { name, cloud, ...options }: SessionOptions & { name?: string; cloud?: string }) =>
      inSession(options, async ({ client, json }) => {
        const { experiment, events } = await client.experiments.get(of)
        const { description = '' } = (events[0]?.data ?? {}) as { readonly description?: string }
        const { source, resource } = experiment
        const about = { name: name ?? experiment.name, description, source, resource, cloneOf: of }
        const { id, answer } = await client.experiments.create(projectOf(of), about, cloud)
        printAnswer(answer, json, { experiment: id })
      }),
    )

  withSession(experiment.command('reserve'))
    .argument('<site/node>', 'the end node', nodeIn)
    .description('keep an end node free for a project (an operator)')
    .requiredOption('--project <name>', 'for whom')
    .requiredOption('--from <time>', 'from when, for example 2026-01-31T08:00:00Z', momentIn)
    .requiredOption('--until <time>', 'until when', momentIn)
    .option('--note <text>', 'why')
    .addHelpText(
      'after',
      '\nExample:\n  millrace experiment reserve north/one --project rover --from 2026-01-31T08:00Z --until 2026-01-31T18:00Z --as olga',
    )
    .action((node: string, { project, from, until, note = '', ...options }: Kept) =>
      inSession(options, async ({ bus, json }) => {
        const reservation = `r-${randomUUID().slice(0, 8)}`
        const data = { reservation, project, from, until, note }
        const answer = await ask(bus, { address: addressOf(node), type: 'end-node.reserve', data })
        printAnswer(answer, json, { reservation })
      }),
    )

  withSession(experiment.command('unreserve'))
    .argument('<site/node>', 'the end node', nodeIn)
    .argument('<reservation>', 'the reservation, as it was told when it was made')
    .description('keep an end node free no longer (an operator)')
    .addOption(reason())
    .addHelpText('after', '\nExample:\n  millrace experiment unreserve north/one r-1a2b3c4d --as olga')
    .action((node: string, reservation: string, { reason, ...options }: SessionOptions & { reason?: string }) =>
      inSession(options, async ({ bus, json }) => {
        const data = { reservation, ...(reason !== undefined && { reason }) }
        printAnswer(await ask(bus, { address: addressOf(node), type: 'end-node.unreserve', data }), json)
      }),
    )
}

const nodeIn = (text: string): string => {
  if (!text.includes('/')) throw new InvalidArgumentError('Expected <site>/<node>.')
  return partIn(text)
}

/** A moment, in UTC where it does not say otherwise, as it is recorded. */
const momentIn = (text: string): string => {
  const date = new Date(/(Z|[+-]\d\d:?\d\d)$/.test(text) ? text : `${text}Z`)
  if (Number.isNaN(date.getTime())) throw new InvalidArgumentError('Expected a time such as 2026-01-31T08:00:00Z.')
  return date.toISOString()
}

const addressOf = (part: string) => {
  const { site, node = '' } = placeOfPart(part)
  return { aggregate: 'end-node', scope: site, key: node }
}
