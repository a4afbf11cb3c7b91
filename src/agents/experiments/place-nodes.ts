import { type Also, type Decision, type Near, refuse } from '#bus/decider'
import { placeOfPart } from '#contracts/experiment-parts'
import { called } from '#contracts/names'
import type { Policy } from '#contracts/portal'
import type { ResourceDefinition } from '#contracts/resource'
import type { Address } from '#contracts/subjects'
import { when } from './done-already.ts'
import { endNodeOf, keptFree, reservedIn } from './end-node.ts'

/** Where it is decided who has an end node. */
export const addressOfNode = (part: string): Address => {
  const { site, node = '' } = placeOfPart(part)
  return { aggregate: 'end-node', scope: site, key: node }
}

/** Why something can't be: a word for programs, and a sentence for people. */
export type Objection = { readonly refusal: string; readonly detail: string }

/** An objection as an answer. */
export const object = ({ refusal, detail }: Objection): Decision<never> => refuse(refusal, detail)

/** What speaks against a resource definition, given what there is; undefined where nothing does. */
export const objectionTo = (
  { nodeType, capabilities, count, sites }: ResourceDefinition,
  policy: Policy,
): Objection | undefined => {
  for (const site of sites) {
    const there = called(policy.sites, site)
    if (!there)
      return {
        refusal: 'unknown-site',
        detail: `There is no site ${site}. There are: ${Object.keys(policy.sites).join(', ')}`,
      }
    const fit = Object.values(there.nodes).filter(
      (node) => node.type === nodeType && capabilities.every((one) => node.capabilities.includes(one)),
    )
    if (fit.length < count)
      return {
        refusal: 'too-few-nodes',
        detail: `${site} has ${fit.length || 'no'} end node${fit.length === 1 ? '' : 's'} of type ${[nodeType, ...capabilities].join(' with ')}, and ${count} ${count === 1 ? 'is' : 'are'} asked for. See: millrace experiment nodes`,
      }
  }
  return undefined
}

/** What speaks against giving an experiment these nodes at these sites; undefined where nothing does. */
export const objectionToNodes = (
  nodes: readonly string[],
  { nodeType, capabilities, count }: ResourceDefinition,
  policy: Policy,
): Objection | undefined => {
  for (const part of nodes) {
    const { site, node = '' } = placeOfPart(part)
    const there = called(called(policy.sites, site)?.nodes ?? {}, node)
    if (!there) return { refusal: 'unknown-node', detail: `There is no end node ${part}` }
    const lacks = capabilities.filter((one) => !there.capabilities.includes(one))
    if (there.type !== nodeType || lacks.length > 0)
      return {
        refusal: 'wrong-node',
        detail: `${part} is a ${[there.type, ...there.capabilities].join(' with ')}; a ${[nodeType, ...capabilities].join(' with ')} is asked for`,
      }
  }
  for (const [site, there] of Map.groupBy(nodes, (part) => placeOfPart(part).site))
    if (there.length !== count || new Set(there).size !== count)
      return {
        refusal: 'wrong-count',
        detail: `${new Set(there).size} end nodes of ${site} are given; its resource definition asks for ${count}`,
      }
  return undefined
}

/** Whether nodes are free for an experiment, from `at` on for as long as it may run. */
export const objectionToUse = (
  near: readonly Near[],
  { key, scope, at }: { readonly key: string; readonly scope: string; readonly at: number },
  hours: number,
): Objection | undefined => {
  for (const { address, events } of near) {
    const node = endNodeOf(events)
    const name = `${address.scope}/${address.key}`
    if (node.experiment !== undefined && node.experiment !== key) {
      const by = node.given ? `, given by ${node.given.who} ${when(node.given.at, at)}` : ''
      return { refusal: 'occupied', detail: `${name} is not free: experiment ${node.experiment} has it${by}` }
    }
    const other = reservedIn(node, { from: at, until: at + hours * 3_600_000 }).find(({ project }) => project !== scope)
    if (other) return { refusal: 'reserved', detail: keptFree(name, other) }
  }
  return undefined
}

/** That an experiment has these nodes from now on. */
export const occupied = (near: readonly Near[], experiment: string): readonly Also[] =>
  near.flatMap(({ address, events, version }) =>
    endNodeOf(events).experiment === experiment
      ? []
      : [{ address, expectedVersion: version, events: [{ type: 'end-node.occupied', data: { experiment } }] }],
  )

/** That it has them no longer. */
export const freed = (near: readonly Near[], experiment: string): readonly Also[] =>
  near.flatMap(({ address, events, version }) =>
    endNodeOf(events).experiment === experiment
      ? [{ address, expectedVersion: version, events: [{ type: 'end-node.freed', data: { experiment } }] }]
      : [],
  )
