import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { Request } from './api-orders.ts'
import { Moment } from './moment.tsx'
import { Order, ReasonField } from './order.tsx'
import { queuedQuery } from './queries.ts'
import { RequestWaits } from './request-waits.tsx'
import { shellOf } from './shell.ts'
import { visible } from './text.ts'

/** Runs that were asked for and have not begun: each with what it waits for, and a way to take it back. */
export const QueuedRequests = () => {
  const { data } = useQuery(queuedQuery)
  if (!data || data.items.length === 0) return null
  return (
    <section className="queued" aria-label="Queued requests">
      {data.items.toReversed().map((request) => (
        <Queued key={request.request} request={request} />
      ))}
    </section>
  )
}

const Queued = ({ request: { request, pipeline, message, metric, principal, at } }: { readonly request: Request }) => {
  const [reason, say] = useState('')
  const given = reason.trim() === '' ? {} : { reason: reason.trim() }
  return (
    <div className="note row-orders">
      <span className="queued-words">
        <strong>Queued for {pipeline}</strong>: {visible(message)}{' '}
        <span className="quiet">
          by {principal}, <Moment at={at} />; <RequestWaits pipeline={pipeline} byMetric={metric !== null} />
        </span>
      </span>
      <Order
        label="Withdraw"
        submit="Withdraw the request"
        path={`/api/pipelines/${pipeline}/requests/${request}/withdraw`}
        body={given}
        shell={shellOf(['requests', 'withdraw', request], { ...given, pipeline })}
      >
        <p>No run will come of it.</p>
        <ReasonField reason={reason} onReason={say} />
      </Order>
    </div>
  )
}
