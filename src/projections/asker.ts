import { eq, inArray, isNull, type SQL, sql } from 'drizzle-orm'
import type { SQLiteColumn } from 'drizzle-orm/sqlite-core'
import { type Asker, askerIn } from '#contracts/asker'
import type { Policy } from '#contracts/portal'
import { portal } from './portal-tables.ts'
import type { Db } from './reader.ts'

/** Who somebody is by the policy as it is now, also where one looks back: who has left sees nothing any more. */
export const askerOf = (db: Db, who: string | undefined): Asker => askerIn(policyIn(db), who)

/** The policy as it is now; undefined where there is no portal. */
export const policyIn = (db: Db): Policy | undefined =>
  db.select({ policy: portal.policy }).from(portal).where(isNull(portal.until)).get()?.policy

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
