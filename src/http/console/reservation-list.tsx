import { useState } from 'react'
import type { Reservation } from './api-sites.ts'
import { Moment } from './moment.tsx'
import { Order, ReasonField } from './order.tsx'
import { Table } from './table.tsx'
import { visible } from './text.ts'

type Props = { readonly items: readonly Reservation[]; readonly mayEnd: boolean }

/** The reservations that a calendar shows, in words; operators end them here. */
export const ReservationList = ({ items, mayEnd }: Props) =>
  items.length === 0 ? (
    <p className="quiet">No node is kept free in these two weeks.</p>
  ) : (
    <Table
      rows={items}
      keyOf={({ part, reservation, startsAt }) => `${part} ${reservation ?? startsAt}`}
      columns={[
        { label: 'End node', of: ({ part }) => part },
        { label: 'For', of: ({ project }) => project ?? 'another project' },
        { label: 'From', of: ({ startsAt }) => <Moment at={startsAt} to="minute" />, short: true },
        { label: 'Until', of: ({ endsAt }) => <Moment at={endsAt} to="minute" />, short: true },
        { label: 'Note', of: ({ note }) => note && visible(note), long: true },
        { label: 'By', of: ({ by }) => by },
        { label: 'End it', of: (one) => mayEnd && one.reservation && <Unreserve reservation={one} /> },
      ]}
    />
  )

const Unreserve = ({ reservation: { part, reservation } }: { readonly reservation: Reservation }) => {
  const [reason, say] = useState('')
  const given = reason.trim() === '' ? {} : { reason: reason.trim() }
  return (
    <Order
      label="Remove"
      submit="Remove the reservation"
      path={`/api/end-nodes/${part}/unreserve`}
      body={{ reservation, ...given }}
    >
      <ReasonField reason={reason} onReason={say} />
    </Order>
  )
}
