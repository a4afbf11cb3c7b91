import type { EndNodeEvent } from '#contracts/end-node'
import type { Recorded } from '#contracts/envelope'
import { projectOf } from '#contracts/experiment-parts'
import type { NotificationEvent, PersonEvent } from '#contracts/notification'
import type { PortalEvent } from '#contracts/portal'
import { endNodes, notifications, people, portal, reservations } from './portal-tables.ts'
import type { Handlers } from './projection.ts'
import type { Rows } from './rows.ts'

/** What is known around experiments: who is who, which end nodes there are, who has them, and who was told of what. */
export const onPortal: Handlers<PortalEvent | EndNodeEvent | PersonEvent | NotificationEvent> = {
  'portal.defined': (rows, { sequence, storedAt: at, data: { policy } }) => {
    rows.put(portal, { portal: 'self' }, { policy, at }, sequence)
    const gone = new Map(rows.now(endNodes, {}).map((row) => [row.part, row]))
    for (const [site, { nodes }] of Object.entries(policy.sites))
      for (const [node, { type, capabilities, agent = null }] of Object.entries(nodes)) {
        const part = `${site}/${node}`
        const was = gone.get(part)
        gone.delete(part)
        const { occupiedBy = null, project = null, occupiedAt = null } = was ?? {}
        const state = occupiedBy === null ? 'free' : 'occupied'
        const said = { site, node, type, capabilities, agent, state, occupiedBy, project, occupiedAt } as const
        if (was && Object.entries(said).every(([key, value]) => isSame(was[key as keyof typeof was], value))) continue
        rows.put(endNodes, { part }, said, sequence)
      }
    for (const { part, occupiedBy } of gone.values())
      if (occupiedBy === null) rows.end(endNodes, { part }, sequence)
      else rows.turn(endNodes, { part }, { state: 'removed' }, sequence)
  },

  'end-node.occupied': (rows, event) => {
    const { sequence, storedAt: occupiedAt } = event
    const { experiment: occupiedBy } = event.data
    const { part, site, node } = placeOf(event)
    const by = { occupiedBy, project: projectOf(occupiedBy), occupiedAt }
    const [now] = rows.now(endNodes, { part })
    if (now) return rows.turn(endNodes, { part }, { ...by, state: 'occupied' }, sequence)
    rows.put(endNodes, { part }, { site, node, capabilities: [], ...by, state: 'removed' }, sequence)
  },

  'end-node.freed': (rows, event) => {
    const { part } = placeOf(event)
    const { sequence } = event
    if (rows.now(endNodes, { part })[0]?.state === 'removed') return rows.end(endNodes, { part }, sequence)
    const free = { state: 'free', occupiedBy: null, project: null, occupiedAt: null } as const
    rows.turn(endNodes, { part }, free, sequence)
  },

  'end-node.reserved': (rows, event) => {
    const { part, site, node } = placeOf(event)
    const { reservation, project, from, until, note } = event.data
    const span = { startsAt: Date.parse(from), endsAt: Date.parse(until) }
    const said = { site, node, project, note, by: event.principal, at: event.storedAt, ...span }
    rows.put(reservations, { part, reservation }, said, event.sequence)
  },

  'end-node.unreserved': (rows, event) =>
    rows.end(reservations, { part: placeOf(event).part, reservation: event.data.reservation }, event.sequence),

  'person.preferences-set': (rows, { address, sequence, storedAt: at, data: preferences }) =>
    rows.put(people, { person: address.key }, { preferences, at }, sequence),

  'notification.sent': (rows, event) => told(rows, event, 'sent', null),
  'notification.failed': (rows, event) => told(rows, event, 'failed', event.data.reason),
}

const isSame = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other)

const placeOf = ({ address: { scope: site, key: node } }: Pick<Recorded, 'address'>) => ({
  ...{ site, node },
  part: `${site}/${node}`,
})

type Told = Recorded & { readonly data: Extract<NotificationEvent, { type: 'notification.sent' }>['data'] }

const told = (
  rows: Rows,
  { sequence, storedAt: at, data }: Told,
  outcome: 'sent' | 'failed',
  reason: string | null,
): void => {
  const { experiment, about, to, way, occasion, subject } = data
  rows.add(notifications, { sequence, experiment, about, to, way, occasion, subject, outcome, reason, at })
}
