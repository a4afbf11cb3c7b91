import type { ExperimentCommand } from './experiment-commands.ts'
import { placeOfPart, portalPlace, type StepName } from './experiment-parts.ts'
import type { Experiment } from './experiment-state.ts'
import { called } from './names.ts'
import type { Policy } from './portal.ts'

/** Who somebody is to an experiment. `agent`: takes the steps of the part that a command names. */
export type Role = 'administrator' | 'operator' | 'member' | 'creator' | 'experimenter' | 'agent' | 'portal'

/** Who may what: one of these roles is needed. */
export const rights: Readonly<Record<ExperimentCommand['type'], readonly Role[]>> = {
  'experiment.create': ['member'],
  'experiment.update': ['creator', 'experimenter'],
  'experiment.set-experimenters': ['creator', 'experimenter'],
  'experiment.set-cloud-link': ['creator', 'experimenter'],
  'experiment.approve': ['administrator'],
  'experiment.decline': ['administrator'],
  'experiment.initiate': ['creator', 'experimenter'],
  'experiment.terminate': ['creator', 'experimenter', 'operator'],
  'experiment.move-to-testbed': ['operator'],
  'experiment.mark-ready': ['operator'],
  'experiment.run': ['operator'],
  'experiment.cancel-run': ['creator', 'experimenter', 'operator'],
  'experiment.submit': ['operator'],
  'experiment.retry': ['operator'],
  'experiment.archive': ['creator', 'operator'],
  'experiment.package': ['agent', 'operator', 'portal'],
  'experiment.start-step': ['agent'],
  'experiment.beat-step': ['agent'],
  'experiment.turn-step': ['agent'],
  'experiment.report-step': ['agent'],
  'experiment.expire-step': ['portal'],
  'experiment.settle': ['portal'],
}

/** What brings an experiment to its end. */
const endings: readonly ExperimentCommand['type'][] = [
  'experiment.terminate',
  'experiment.cancel-run',
  'experiment.submit',
  'experiment.retry',
  'experiment.archive',
]

/** Whether a command can be given in a project, whoever gives it: in one that was taken out, what is there is only brought to its end. */
export const isGivenIn = ({ projects }: Policy, scope: string, type: ExperimentCommand['type']): boolean =>
  called(projects, scope) !== undefined ||
  endings.includes(type) ||
  rights[type].some((role) => role === 'agent' || role === 'portal')

/** Whether somebody does in a project what operators do. Where it was taken out, administrators may as well: it has nobody else. */
export const isOperatorIn = ({ operators, administrators, projects }: Policy, scope: string, who: string): boolean =>
  operators.includes(who) || (called(projects, scope) === undefined && administrators.includes(who))

/** What of a command says whose part it is about. */
type About = { readonly scope: string; readonly principal: string; readonly data: object }

/** Who the asker is to this experiment, as the policy is now. */
export const rolesOf = (policy: Policy, { scope, principal, data }: About, experiment: Experiment): readonly Role[] => {
  const isMember = called(policy.projects, scope)?.members.includes(principal) ?? false
  const isCreator = isMember && experiment.status !== 'unknown' && experiment.creator === principal
  const isExperimenter = isMember && experiment.status !== 'unknown' && experiment.experimenters.includes(principal)
  const is: Readonly<Record<Role, boolean>> = {
    administrator: policy.administrators.includes(principal),
    operator: isOperatorIn(policy, scope, principal),
    member: isMember,
    creator: isCreator,
    experimenter: isExperimenter,
    agent: takersOf(policy, data).includes(principal),
    portal: policy.portal.includes(principal),
  }
  return (Object.keys(is) as Role[]).filter((role) => is[role])
}

/** The hosts of which one is to take a step, as the portal's file says who is where. */
export const takersOfStep = (
  { portal, sites }: Policy,
  { part, step, agent }: { readonly part: string; readonly step: StepName; readonly agent: string },
): readonly string[] => {
  const { site, node = '' } = placeOfPart(part)
  const { server, nodes = {} } = called(sites, site) ?? {}
  const own = called(nodes, node)?.agent
  const takers = {
    ...{ fetch: portal, ship: portal, probe: portal, pull: portal, upload: portal },
    build: agent === 'packager' ? portal : [server],
    ...{ deliver: [server, own], run: [own ?? server], collect: [server, own] },
  } satisfies Readonly<Record<StepName, readonly (string | undefined)[]>>
  return [takers[step]].flat().flatMap((one) => one ?? [])
}

/** Who may say how steps of the part end that a command is about: its end node, its site server, and the portal for what it does. */
export const takersOf = (policy: Policy, data: object): readonly string[] => {
  const { site, node } = 'part' in data ? placeOfPart(String(data.part)) : siteIn(data)
  if (site === portalPlace) return policy.portal
  const { server, nodes = {} } = called(policy.sites, site) ?? {}
  const own = node === undefined ? policy.portal : [called(nodes, node)?.agent]
  return [server, ...own].filter((one) => one !== undefined)
}

const siteIn = (data: object): ReturnType<typeof placeOfPart> => ({
  site: 'site' in data ? String(data.site) : '',
  node: undefined,
})
