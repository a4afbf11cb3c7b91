import { mkdir } from 'node:fs/promises'
import { dirname, join, resolve, sep } from 'node:path'
import { type Command, Option } from 'commander'
import { sized } from '#agents/sources/sized'
import { Fault, faults } from '#bus/fault'
import {
  type EndNodeRow,
  type ExperimentFilters,
  experimentListsOf,
  type InboxRow,
  type ReservationRow,
} from '#client/experiment-lists'
import { writeFrom } from '#client/transfer'
import type { Room } from '#contracts/disk'
import { notHeardSince, verbOf, withExperiment } from './experiment-words.ts'
import { limit } from './options.ts'
import { print, printPage, timeOf } from './print.ts'
import { inSession, type Session, type SessionOptions, withSession } from './session.ts'

/** Verbs that list experiments, what waits, end nodes; and the one that brings results here. */
export const experimentLists = (experiment: Command): void => {
  withSession(experiment.command('ls'))
    .description('list the experiments that you may see, newest first')
    .option('--project <name>', 'only those of this project')
    .option('--site <name>', 'only those at this site')
    .addOption(new Option('--mode <mode>', 'only those in this mode').choices(['Idle', 'Development', 'TESTBED']))
    .addOption(
      new Option('--waits-for <who>', 'only those that wait for them').choices([
        ...['user', 'operator', 'administrator', 'machine'],
      ]),
    )
    .option('--search <text>', 'only those with this in their id, name or description')
    .option('--limit <n>', 'how many', limit, 20)
    .addHelpText('after', '\nExample:\n  millrace experiment ls --waits-for operator --as olga')
    .action((options: SessionOptions & ExperimentFilters & { readonly search?: string }) =>
      inSession(options, async ({ bus, json }) => {
        const { project, site, mode, waitsFor, search: text, limit } = options
        const page = await experimentListsOf(bus).list({ project, site, mode, waitsFor, text, limit })
        const columns = ['experiment', 'name', 'mode', 'status', 'subState', 'failedStep', 'waitsFor', 'changedAt']
        const told = ({ subState, failedStep, reason, heardUntil }: (typeof page.items)[number]) => {
          const isHeldUp = failedStep === null && reason !== null
          return [subState, isHeldUp ? 'held up' : [], heardUntil === null ? [] : notHeardSince(heardUntil)]
            .flat()
            .join(', ')
        }
        const items = json ? page.items : page.items.map((row) => ({ ...row, subState: told(row) }))
        printPage({ ...page, items }, columns, json)
      }),
    )

  withSession(experiment.command('inbox'))
    .description('list what waits for you, oldest first')
    .option('--limit <n>', 'how many', limit, 20)
    .addHelpText('after', '\nExample:\n  millrace experiment inbox --as olga')
    .action(({ limit, ...options }: SessionOptions & { readonly limit: number }) =>
      inSession(options, async ({ bus, json }) => {
        const page = await experimentListsOf(bus).inbox({ limit })
        const told = (row: InboxRow) => ({ ...row, what: verbOf(row.what), part: row.part ?? sitesOf(row) })
        const items = json ? page.items : page.items.map(told)
        printPage({ ...page, items }, ['at', 'experiment', 'name', 'what', 'part', 'waitsFor', 'reason'], json)
      }),
    )

  withSession(experiment.command('nodes'))
    .description('list end nodes, which experiment has each, and how much room there is')
    .option('--site <name>', 'only those of this site')
    .addHelpText('after', '\nExample:\n  millrace experiment nodes --site north')
    .action(({ site, ...options }: SessionOptions & { readonly site?: string }) =>
      inSession(options, async ({ bus, json }) => {
        const lists = experimentListsOf(bus)
        const page = await lists.endNodes({ site, limit: 1_000 })
        const kept = json ? [] : await keptNow(lists, site)
        const items = json
          ? page.items
          : page.items.map((row) => ({
              ...row,
              capabilities: row.capabilities.join(', '),
              state: standingOf(
                row,
                kept.find(({ part }) => part === row.part),
              ),
              disk: roomIn(row.disk),
            }))
        printPage({ ...page, items }, ['part', 'type', 'capabilities', 'state', 'occupiedBy', 'disk'], json)
      }),
    )

  withExperiment(experiment.command('fetch'))
    .argument('<folder>', 'where to put them, as <folder>/<site>/<node>/…')
    .description('bring the results of an experiment here, once they are at the portal')
    .addHelpText('after', '\nExample:\n  millrace experiment fetch rover-7k2m9x results --as carol')
    .action((id: string, folder: string, options: SessionOptions) =>
      inSession(options, (session) => fetchAll(session, id, resolve(folder))),
    )
}

/** What is reserved at this moment. */
const keptNow = async (lists: ReturnType<typeof experimentListsOf>, site: string | undefined) => {
  const now = Date.now()
  const [from, until] = [now, now + 1].map((at) => new Date(at).toISOString())
  return (await lists.reservations({ site, from, until, limit: 1_000 })).items
}

/** How an end node stands: who is away that takes its work, and for whom it is kept free. */
const standingOf = ({ state, present, agent }: EndNodeRow, kept: ReservationRow | undefined): string =>
  [
    state,
    present === false ? `${agent ?? 'its site server'} is away` : [],
    kept && state === 'free' ? `kept for ${kept.project ?? 'another project'} until ${timeOf(kept.endsAt)}` : [],
  ]
    .flat()
    .join(', ')

const roomIn = (disk: Room | null): string =>
  disk ? `${sized(disk.free)} of ${sized(disk.total)} free${disk.low ? ': nearly full' : ''}` : 'not known'

const fetchAll = async ({ bus, signal }: Session, experiment: string, folder: string): Promise<void> => {
  const lists = experimentListsOf(bus)
  const { sets } = await lists.results({ experiment })
  if (sets.length === 0)
    throw faults.nothingThere(
      `result of ${experiment} at the portal yet: they come there once an operator has submitted it. See: millrace experiment show ${experiment}`,
    )
  let count = 0
  const brought = () => `${count} ${count === 1 ? 'file lies' : 'files lie'} in ${folder}`
  for (const { site, node, problem } of sets.toSorted((one, other) => Number(!!one.problem) - Number(!!other.problem)))
    for (let after = ''; ; ) {
      if (problem !== undefined) print(`${brought()}, and none of ${site}/${node}`)
      const [page] = (await lists.results({ experiment, site, node, after })).sets
      for (const { path } of page?.files ?? []) {
        const out = resolve(folder, site, node, path)
        // Whoever lists is not trusted with where things are put.
        if (!out.startsWith(join(folder, site, node) + sep))
          throw new Fault('contract.broken', `The result '${path}' would lie outside of ${folder}`)
        await mkdir(dirname(out), { recursive: true })
        const { bytes } = await lists.result({ experiment, site, node, path }, signal)
        await writeFrom(bytes, out)
        count++
      }
      if (!page || page.next === null) break
      after = page.next
    }
  print(brought())
}

/** The sites that are meant where something is not about one part. */
const sitesOf = ({ command, needs }: InboxRow): string | undefined => {
  const { sites } = needs ?? (command?.data as { readonly sites?: readonly string[] } | undefined) ?? {}
  return sites?.join(', ')
}
