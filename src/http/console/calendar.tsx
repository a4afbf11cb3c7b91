import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { EndNode, Reservation } from './api-sites.ts'
import { dayAfter, placeIn, shownDays } from './days.ts'
import { reservationsQuery } from './experiment-queries.ts'
import { useNow } from './now.ts'
import { ProblemNote } from './problem-note.tsx'
import { ReservationList } from './reservation-list.tsx'
import { Reserve } from './reserve.tsx'
import { meQuery } from './session.ts'
import { momentOf, visible } from './text.ts'

const dayFormat = new Intl.DateTimeFormat(undefined, { weekday: 'short', day: 'numeric' })
const monthFormat = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'long' })

/** For whom end nodes are kept free: two weeks, a row for each node. Operators make and end reservations. */
export const Calendar = ({ nodes }: { readonly nodes: readonly EndNode[] }) => {
  const { data: me } = useQuery(meQuery)
  const [today] = useState(() => dayAfter(Date.now(), 0))
  const [shift, move] = useState(0)
  const [begins, ends] = [dayAfter(today, shift), dayAfter(today, shift + shownDays)]
  const { data, error, refetch } = useQuery(
    reservationsQuery(new Date(begins).toISOString(), new Date(ends).toISOString()),
  )
  const days = Array.from({ length: shownDays }, (_, index) => dayAfter(today, shift + index))
  const mayReserve = me?.roles.includes('operator') ?? false
  const items = data?.items ?? []
  return (
    <section aria-label="Reservations">
      <h2>Reservations</h2>
      {mayReserve && (
        <div className="row-orders">
          <Reserve nodes={nodes} projects={me?.seen ?? []} />
        </div>
      )}
      {error && <ProblemNote error={error} retry={refetch} />}
      <div className="calendar-bar">
        <button type="button" aria-label="A week earlier" onClick={() => move(shift - 7)}>
          ‹
        </button>
        <button type="button" disabled={shift === 0} onClick={() => move(0)}>
          Today
        </button>
        <button type="button" aria-label="A week later" onClick={() => move(shift + 7)}>
          ›
        </button>
        <span>
          {monthFormat.format(begins)} to {monthFormat.format(dayAfter(begins, shownDays - 1))}
        </span>
      </div>
      <div className="calendar">
        <div className="calendar-row calendar-head" aria-hidden="true">
          <span />
          <div className="calendar-days">
            {days.map((one) => (
              <span key={one} data-today={one === today || undefined}>
                {dayFormat.format(one)}
              </span>
            ))}
          </div>
        </div>
        {nodes.map(({ part }) => (
          <Row key={part} part={part} begins={begins} ends={ends} items={items.filter((one) => one.part === part)} />
        ))}
      </div>
      <ReservationList items={items} mayEnd={mayReserve} />
    </section>
  )
}

type RowProps = {
  readonly part: string
  readonly begins: number
  readonly ends: number
  readonly items: readonly Reservation[]
}

const Row = ({ part, begins, ends, items }: RowProps) => {
  const now = useNow(false)
  const present = ((now - begins) / (ends - begins)) * 100
  return (
    <div className="calendar-row">
      <span className="calendar-node">{part}</span>
      <div className="calendar-spans">
        {Array.from({ length: shownDays }, (_, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: days have no other order.
          <span key={index} className="calendar-day" />
        ))}
        {present > 0 && present < 100 && <span className="calendar-now" style={{ left: `${present}%` }} />}
        {items.map((one) => {
          const place = placeIn(begins, ends, one)
          const whose = one.project ?? 'another project'
          return (
            place && (
              <span
                key={`${one.reservation} ${one.startsAt}`}
                className="calendar-span"
                style={{ left: `${place.left}%`, width: `${place.width}%` }}
                title={`${whose}: ${momentOf(one.startsAt)} to ${momentOf(one.endsAt)}${one.note ? `. ${visible(one.note)}` : ''}`}
              >
                {whose}
              </span>
            )
          )
        })}
      </div>
    </div>
  )
}
