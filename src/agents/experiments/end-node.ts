import { accept, type Decider, refuse } from '#bus/decider'
import { foldOf } from '#contracts/all'
import type { EndNodeCommand, EndNodeEvent } from '#contracts/end-node'
import type { Recorded } from '#contracts/envelope'
import type { Deed } from '#contracts/experiment-deeds'
import { addressOfExperiment } from '#contracts/experiment-parts'
import { called } from '#contracts/names'
import { type Policy, whyGone } from '#contracts/portal'
import { occupantIn } from './occupant.ts'

type Reservation = Extract<EndNodeEvent, { type: 'end-node.reserved' }>['data']

/** Who has an end node, and for whom it is kept free. */
export type EndNode = {
  readonly experiment?: string | undefined
  /** Who gave it to that experiment. */
  readonly given?: Pick<Deed, 'who' | 'at'> | undefined
  readonly reservations: readonly Reservation[]
}

type EndNodeDecider = Decider<EndNode, EndNodeCommand, EndNodeEvent>

const initial: EndNode = { reservations: [] }

type Told = EndNodeEvent & { readonly principal: string; readonly storedAt: number }

const evolve = (node: EndNode, event: Told): EndNode => {
  switch (event.type) {
    case 'end-node.occupied':
      return { ...node, experiment: event.data.experiment, given: { who: event.principal, at: event.storedAt } }
    case 'end-node.freed':
      return { ...node, experiment: undefined, given: undefined }
    case 'end-node.reserved':
      return { ...node, reservations: [...node.reservations, event.data] }
    case 'end-node.unreserved':
      return { ...node, reservations: node.reservations.filter((one) => one.reservation !== event.data.reservation) }
  }
}

/** An end node as its events tell. */
export const endNodeOf = (events: readonly Recorded[]): EndNode => foldOf(evolve, initial, events)

type Span = { readonly from: number; readonly until: number }

const spanOf = ({ from, until }: Reservation): Span => ({ from: Date.parse(from), until: Date.parse(until) })

/** What of a node's reservations lies in a span of time, in milliseconds since 1970. */
export const reservedIn = (node: EndNode, { from, until }: Span): readonly Reservation[] =>
  node.reservations.filter((one) => spanOf(one).from < until && from < spanOf(one).until)

/** For how long a node may be kept free at most, in milliseconds. */
const longest = 31 * 24 * 3_600_000

/** An end node: decides for whom it is kept free. Who has it is recorded by experiments, beside their own events. */
export const endNodeDecider = (policy: () => Policy): EndNodeDecider => ({
  aggregate: 'end-node',
  initial,
  evolve,
  near: ({ type }, { experiment }) =>
    type === 'end-node.reserve' && experiment !== undefined ? [addressOfExperiment(experiment)] : [],
  decide: ({ type, data, scope, key, principal, at }, node, near) => {
    if (!policy().operators.includes(principal))
      return refuse('not-allowed', `${principal} may not do that: reservations are made by operators`)
    const same = node.reservations.find((one) => one.reservation === data.reservation)
    // Also of one that was taken out of the portal's file.
    if (type === 'end-node.unreserve' && same) return accept({ type: 'end-node.unreserved', data })
    if (whyGone(policy(), `${scope}/${key}`) !== undefined)
      return refuse('unknown', `There is no end node ${scope}/${key}. Those there are stand in the portal's file`)
    if (type === 'end-node.unreserve') return accept()
    const { from, until } = spanOf(data)
    if (from >= until) return refuse('bad-span', `It ends (${data.until}) before it begins (${data.from})`)
    if (until <= at) return refuse('past', `It ended at ${data.until} already`)
    if (until - from > longest) return refuse('too-long', 'A node can be kept free for 31 days at most')
    if (called(policy().projects, data.project) === undefined)
      return refuse('unknown-project', `There is no project ${data.project}`)
    if (same) return isSame(same, data) ? accept() : refuse('taken', `There is another reservation ${data.reservation}`)
    const [other] = reservedIn(node, { from, until })
    const name = `${scope}/${key}`
    if (other) return refuse('reserved', keptFree(name, other))
    const event: EndNodeEvent = { type: 'end-node.reserved', data }
    const there = occupantIn(near, name, at)
    if (!there || there.project === data.project) return accept(event)
    if (there.until !== undefined && from < there.until)
      return refuse(
        'occupied',
        `${there.experiment} runs on ${name}, until ${new Date(there.until).toISOString()} at the latest: reserve it from then on, or cancel its run`,
      )
    const note = `${there.experiment} has ${name} until it is submitted or terminated: it is not run there while the reservation lasts, but see that it is over by then`
    return { accepted: true, events: [event], note }
  },
})

/** Why an end node can't be had, and what to do. */
export const keptFree = (node: string, { reservation, project, from, until }: Reservation): string =>
  `${node} is kept free for ${project} from ${from} until ${until}: take another one, or first end that: millrace experiment unreserve ${node} ${reservation}`

const isSame = (one: Reservation, other: Reservation): boolean =>
  one.project === other.project && one.from === other.from && one.until === other.until
