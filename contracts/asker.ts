import type { Policy } from './portal.ts'

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

/** Who somebody is by a policy; nobody in particular where there is none. */
export const askerIn = (policy: Policy | undefined, name = ''): Asker => {
  const isOperator = policy?.operators.includes(name) ?? false
  const isAdministrator = policy?.administrators.includes(name) ?? false
  const projects = Object.entries(policy?.projects ?? {}).flatMap(([project, { members }]) =>
    members.includes(name) ? [project] : [],
  )
  const sees = isOperator || isAdministrator ? 'all' : projects.length > 0 ? 'own' : 'nothing'
  return { name, sees, isOperator, isAdministrator, projects }
}

/** Whether somebody may see what is of a project. */
export const maySee = ({ sees, projects }: Pick<Asker, 'sees' | 'projects'>, project: string): boolean =>
  sees === 'all' || projects.includes(project)
