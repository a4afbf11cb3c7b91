import { and, asc, desc, eq } from 'drizzle-orm'
import type { SQLiteTable } from 'drizzle-orm/sqlite-core'
import { z } from 'zod'
import { faults } from '#bus/fault'
import { maySee } from '#contracts/asker'
import { experimentId } from '#contracts/experiment-parts'
import { isGivenIn, rights, rolesOf } from '#contracts/experiment-rights'
import { exact } from '#contracts/fields'
import { askerOf, policyIn } from './asker.ts'
import { composeFiles, experimentSteps } from './experiment-record-tables.ts'
import { experimentParts, experimentStates, experiments, experimentWaits } from './experiment-tables.ts'
import { earliest, heardUntil, heardUntilShape } from './heard-until.ts'
import { visible } from './listed.ts'
import { propose } from './propose-nodes.ts'
import type { Db } from './reader.ts'
import { schemaOf, shown, type View } from './view.ts'

/** How many executions are said at once: the list of steps has all. */
const most = 200

const compose = schemaOf(composeFiles).omit({ experiment: true })

/** One experiment with all that belongs to it; whoever may not see it is told that there is none. */
export const oneExperiment: View = {
  description: 'One experiment with its parts, what it waits for, its last steps and its Compose files',
  filters: exact({ experiment: experimentId }),
  answer: schemaOf(experiments).extend({
    heardUntil: heardUntilShape,
    parts: z.array(
      schemaOf(experimentParts).extend({
        heardUntil: heardUntilShape,
        away: z.string().nullable().describe('Which host that is'),
      }),
    ),
    waiting: z.array(schemaOf(experimentWaits).extend({ unmet: z.string().nullable() })),
    steps: z.array(schemaOf(experimentSteps)).describe(`The last ${most}, oldest first`),
    composeFiles: z.array(compose).describe('Of its present attempt, one for each site'),
    roles: z.array(z.string()).describe('Who whoever asks is to it now'),
    commands: z.array(z.string()).describe('What these roles may ask of it, whatever its state'),
  }),
  list: false,
  portal: true,
  presence: true,
  read: (db, { experiment }, seen) => {
    const id = String(experiment)
    const { at, logId, who } = seen
    const asker = askerOf(db, who)
    const [found] = db
      .select()
      .from(experiments)
      .where(and(eq(experiments.experiment, id), visible(experiments, at)))
      .all()
    if (!found || !maySee(asker, found.project)) throw faults.nothingThere(`experiment ${id}`)
    const rows = (table: SQLiteTable & Of) =>
      db
        .select()
        .from(table)
        .where(and(eq(table.experiment, id), visible(table, at)))
    const parts = rows(experimentParts).orderBy(asc(experimentParts.part)).all()
    const waiting = rows(experimentWaits).orderBy(asc(experimentWaits.began)).all()
    const steps = rows(experimentSteps).orderBy(desc(experimentSteps.began)).limit(most).all().toReversed()
    const files = db
      .select()
      .from(composeFiles)
      .where(and(eq(composeFiles.experiment, id), eq(composeFiles.attempt, found.attempt), visible(composeFiles, at)))
      .orderBy(asc(composeFiles.sequence))
      .all()
    const heard = heardUntil(db, id, seen)
    const look = (row: Readonly<Record<string, unknown>>) => shown(row, logId)
    return {
      ...look(found),
      heardUntil: earliest(heard.values()),
      parts: parts.map((row) => {
        const away = heard.get(String(row.part))
        return { ...look(row), heardUntil: away ? earliest([away]) : null, away: away?.who ?? null }
      }),
      waiting: waiting.map((row) => propose(look(row), asker, { ...seen, db })),
      steps: steps.map(look),
      composeFiles: [...new Map(files.map(({ experiment: _, ...file }) => [file.site, look(file)])).values()],
      ...mayOf(db, id, found.project, who),
    }
  },
}

type Of = typeof experimentParts | typeof experimentWaits | typeof experimentSteps

/** Who somebody is to an experiment as it is now, and what that lets them ask. */
const mayOf = (db: Db, id: string, scope: string, principal = '') => {
  const policy = policyIn(db)
  const state = db.select().from(experimentStates).where(eq(experimentStates.experiment, id)).get()?.state
  if (!policy || !state) return { roles: [], commands: [] }
  const roles = rolesOf(policy, { scope, principal, data: {} }, state)
  const types = Object.keys(rights) as (keyof typeof rights)[]
  const commands = types.filter(
    (type) => isGivenIn(policy, scope, type) && rights[type].some((one) => roles.includes(one)),
  )
  return { roles, commands }
}
