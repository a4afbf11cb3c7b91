import { randomUUID } from 'node:crypto'
import { type Command, InvalidArgumentError } from 'commander'
import { askPortal } from '#client/ask-portal'
import { experimentListsOf, type ReservationFilters } from '#client/experiment-lists'
import { placeOfPart } from '#contracts/experiment-parts'
import { nodeIn } from './experiment-words.ts'
import { limit } from './options.ts'
import { printPage } from './print.ts'
import { inSession, type SessionOptions, withSession } from './session.ts'
import { printAnswer, reason } from './words.ts'

type Kept = SessionOptions & {
  readonly project: string
  readonly from: string
  readonly until: string
  readonly note?: string
}

type Listed = SessionOptions & Omit<ReservationFilters, 'part'> & { readonly node?: string }

/** Verbs that keep end nodes free, and that say for whom they are kept. */
export const experimentReservations = (experiment: Command): void => {
  withSession(experiment.command('reservations'))
    .description('list for whom end nodes are kept free, by when that begins')
    .option('--node <site/node>', 'only those of this end node', nodeIn)
    .option('--site <name>', 'only those of this site')
    .option('--from <time>', 'only what ends later; now unless said', momentIn)
    .option('--until <time>', 'only what begins earlier', momentIn)
    .option('--limit <n>', 'how many', limit, 100)
    .addHelpText(
      'after',
      '\nExample:\n  millrace experiment reservations --node north/one --from 2026-01-31 --until 2026-02-14',
    )
    .action(({ node: part, site, from = new Date().toISOString(), until, limit, ...options }: Listed) =>
      inSession(options, async ({ bus, json }) => {
        const page = await experimentListsOf(bus).reservations({ part, site, from, until, limit })
        printPage(page, ['part', 'startsAt', 'endsAt', 'project', 'by', 'note', 'reservation'], json)
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
        const answer = await askPortal(bus, { address: addressOf(node), type: 'end-node.reserve', data })
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
        printAnswer(await askPortal(bus, { address: addressOf(node), type: 'end-node.unreserve', data }), json)
      }),
    )
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
