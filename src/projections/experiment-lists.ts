import { and, eq, gt, inArray, isNull, lt, or, type SQL, sql } from 'drizzle-orm'
import type { SQLiteColumn } from 'drizzle-orm/sqlite-core'
import { z } from 'zod'
import { type Asker, maySee } from '#contracts/asker'
import { room } from '#contracts/disk'
import { experimentId } from '#contracts/experiment-parts'
import { ofAnybodyKnown, ofOneself, ofOwnProjects } from './asker.ts'
import { experimentHistory, experimentSteps } from './experiment-record-tables.ts'
import { experiments, experimentWaits } from './experiment-tables.ts'
import { type Filter, is, oneOf } from './filters.ts'
import { earliest, heardUntil, heardUntilShape } from './heard-until.ts'
import { listed } from './listed.ts'
import { named } from './named-wait.ts'
import { endNodes, notifications, reservations } from './portal-tables.ts'
import { type Present, roomAtPart } from './presence.ts'
import { type Params, type Shown, time } from './view.ts'

const ofExperiment = (column: SQLiteColumn): Filter => is(column, experimentId)

/** Rows whose list has an item. */
const having = (column: SQLiteColumn): Filter => ({
  schema: z.string().max(128),
  where: (value) => sql`exists (select 1 from json_each(${column}) where value = ${value})`,
})

const searched: Filter = {
  schema: z.string().min(1).max(200).describe('Anywhere in its id, name or description, in large letters or small'),
  where: (value) => sql`instr(${experiments.words}, ${value.toLowerCase()}) > 0`,
}

/** Rows whose span in time reaches over a moment: the moments are those of the list, not of the log. */
const reaching = (over: (at: number) => SQL): Filter => ({ schema: time, where: (value) => over(Date.parse(value)) })

/** What whoever asks can move on: operators and administrators what waits for those, others what waits for them. */
const waitsFor = ({ sees, name, projects }: Asker, { waitsFor: said }: Params) => {
  if (sees === 'all')
    return said === undefined ? inArray(experimentWaits.waitsFor, ['operator', 'administrator']) : undefined
  const isOneOfThem = or(
    eq(experiments.creator, name),
    sql`exists (select 1 from json_each(${experiments.experimenters}) where value = ${name})`,
  )
  return and(
    eq(experimentWaits.waitsFor, 'user'),
    inArray(experimentWaits.project, [...projects]),
    sql`${experimentWaits.experiment} in (select ${experiments.experiment} from ${experiments} where ${and(isNull(experiments.until), isOneOfThem)})`,
  )
}

/** A row without what is of others: whose it is, and what they say of it, where that is of no project of one's own. */
const withoutOthers =
  (...hidden: readonly string[]) =>
  (row: Shown, asker: Asker): Shown => {
    const { project } = row
    if (project === null || (typeof project === 'string' && maySee(asker, project))) return row
    return { ...row, project: null, ...Object.fromEntries(hidden.map((column) => [column, null])) }
  }

/** Whether somebody is there who takes the work of an end node; null where nobody can tell. */
const isServed = (present: Present | undefined, { part, agent }: Shown): boolean | null =>
  present
    ? present.hosts.some(({ host, nodes }) => (agent === null ? nodes.includes(String(part)) : host === agent))
    : null

/** Every list of a portal. */
export const experimentLists = {
  experiments: listed({
    table: experiments,
    description: 'Experiments, newest first; sorted by changed, those that changed last come first',
    order: [experiments.began],
    newestFirst: true,
    byTime: [experiments.since, experiments.experiment],
    sorts: ['created', 'changed'],
    moment: experiments.createdAt,
    presence: true,
    portal: {
      mayBeSeen: ofOwnProjects(experiments.project),
      seenAs: (row, _, seen) => ({
        ...row,
        heardUntil: earliest(heardUntil(seen.db, String(row.experiment), seen).values()),
      }),
      answer: { heardUntil: heardUntilShape },
    },
    filters: {
      project: is(experiments.project),
      site: having(experiments.sites),
      mode: oneOf(experiments.mode),
      status: oneOf(experiments.status),
      subState: oneOf(experiments.subState),
      failedStep: oneOf(experiments.failedStep),
      waitsFor: oneOf(experiments.waitsFor),
      creator: is(experiments.creator),
      state: oneOf(experiments.state),
      text: searched,
    },
  }),
  'experiment-history': listed({
    table: experimentHistory,
    description: 'Everything that was decided of an experiment: who, when, what, and why; oldest first',
    order: [experimentHistory.sequence],
    moment: experimentHistory.at,
    portal: { mayBeSeen: ofOwnProjects(experimentHistory.project) },
    filters: {
      experiment: ofExperiment(experimentHistory.experiment),
      type: is(experimentHistory.type),
      principal: is(experimentHistory.principal),
      part: is(experimentHistory.part),
    },
  }),
  'experiment-steps': listed({
    table: experimentSteps,
    description: 'Every execution of a step of an experiment, oldest first',
    order: [experimentSteps.began, experimentSteps.part, experimentSteps.step, experimentSteps.delivery],
    moment: experimentSteps.askedAt,
    portal: { mayBeSeen: ofOwnProjects(experimentSteps.project) },
    filters: {
      experiment: ofExperiment(experimentSteps.experiment),
      part: is(experimentSteps.part),
      step: oneOf(experimentSteps.step),
      outcome: oneOf(experimentSteps.outcome),
    },
  }),
  inbox: listed({
    table: experimentWaits,
    description: 'What waits for whoever asks, oldest first, each with the one command that moves it on',
    order: [experimentWaits.began, experimentWaits.experiment, experimentWaits.wait],
    moment: experimentWaits.at,
    portal: { mayBeSeen: waitsFor, seenAs: named, answer: { unmet: z.string().nullable(), name: z.string() } },
    filters: {
      experiment: ofExperiment(experimentWaits.experiment),
      project: is(experimentWaits.project),
      waitsFor: oneOf(experimentWaits.waitsFor),
      what: is(experimentWaits.what),
    },
  }),
  'end-nodes': listed({
    table: endNodes,
    description: 'End nodes, by site, which experiment has each, and how much room there is',
    order: [endNodes.part],
    presence: true,
    portal: {
      mayBeSeen: ofAnybodyKnown,
      seenAs: (row, asker, { present }) => ({
        ...withoutOthers('occupiedBy')(row, asker),
        disk: roomAtPart(present, String(row.part)),
        present: isServed(present, row),
      }),
      answer: {
        disk: room.nullable().describe('As it was within the last minute; null where nobody can tell'),
        present: z
          .boolean()
          .nullable()
          .describe('Whether its agent, or the site server that drives it, is there now; null where nobody can tell'),
      },
    },
    filters: { site: is(endNodes.site), type: is(endNodes.type), state: oneOf(endNodes.state) },
  }),
  reservations: listed({
    table: reservations,
    description:
      'For whom end nodes are kept free, by when that begins; `from` and `until` narrow to what lies between',
    order: [reservations.startsAt, reservations.part, reservations.reservation],
    portal: {
      mayBeSeen: ofAnybodyKnown,
      seenAs: withoutOthers('note', 'by', 'reservation'),
      answer: Object.fromEntries(
        ['project', 'note', 'by', 'reservation'].map((column) => [column, z.string().nullable()]),
      ),
    },
    filters: {
      site: is(reservations.site),
      part: is(reservations.part),
      from: reaching((at) => gt(reservations.endsAt, at)),
      until: reaching((at) => lt(reservations.startsAt, at)),
    },
  }),
  notifications: listed({
    table: notifications,
    description: 'What people were told of experiments, newest first; of others only who sees all',
    order: [notifications.sequence],
    newestFirst: true,
    moment: notifications.at,
    portal: { mayBeSeen: ofOneself(notifications.to) },
    filters: {
      experiment: ofExperiment(notifications.experiment),
      person: is(notifications.to),
      outcome: oneOf(notifications.outcome),
    },
  }),
}
