import { eq, inArray, isNull, type SQL, sql } from 'drizzle-orm'
import type { SQLiteColumn } from 'drizzle-orm/sqlite-core'
import type { Policy } from '#contracts/portal'
import { portal } from './portal-tables.ts'
import type { Db } from './reader.ts'

/** Somebody who asks, as the portal knows them. */
export type Asker = {
  readonly name: string
  /** `all`: an operator or an administrator; `own`: what is of their projects; `nothing`: nobody the portal knows. */
  readonly sees: 'all' | 'own' | 'nothing'
  readonly isOperator: boolean
  readonly isAdministrator: boolean
  /** The projects that they are members of. */
  readonly projects: readonly string[]
}

/** Who somebody is by the policy as it is now, also where one looks back: who has left sees nothing any more. */
export const askerOf = (db: Db, who: string | undefined): Asker => asAsker(policyIn(db), who)

/** The policy as it is now; undefined where there is no portal. */
export const policyIn = (db: Db): Policy | undefined =>
  db.select({ policy: portal.policy }).from(portal).where(isNull(portal.until)).get()?.policy

const asAsker = (policy: Policy | undefined, name = ''): Asker => {
  const isOperator = policy?.operators.includes(name) ?? false
  const isAdministrator = policy?.administrators.includes(name) ?? false
  const projects = Object.entries(policy?.projects ?? {}).flatMap(([project, { members }]) =>
    members.includes(name) ? [project] : [],
  )
  const sees = isOperator || isAdministrator ? 'all' : projects.length > 0 ? 'own' : 'nothing'
  return { name, sees, isOperator, isAdministrator, projects }
}

/** Rows of projects that somebody may look into. */
export const ofOwnProjects =
  (project: SQLiteColumn) =>
  ({ sees, projects }: Asker): SQL | undefined =>
    sees === 'all' ? undefined : inArray(project, [...projects])

/** Rows that whoever is known to the portal may see. */
export const ofAnybodyKnown = ({ sees }: Asker): SQL | undefined => (sees === 'nothing' ? sql`0` : undefined)

/** Rows about somebody, seen by them alone, and by whoever sees all. */
export const ofOneself =
  (person: SQLiteColumn) =>
  ({ sees, name }: Asker): SQL | undefined =>
    sees === 'all' ? undefined : sees === 'nothing' ? sql`0` : eq(person, name)

/** Whether somebody may see what is of a project. */
export const maySee = ({ sees, projects }: Asker, project: string): boolean =>
  sees === 'all' || projects.includes(project)
