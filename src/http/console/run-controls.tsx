import { useState } from 'react'
import type { RunDetail } from './api.ts'
import { Order, ReasonField } from './order.tsx'
import { Rerun } from './rerun.tsx'
import { shellOf } from './shell.ts'

/** What can be asked of a run as it stands. */
export const RunControls = ({ run }: { readonly run: RunDetail }) => {
  const [reason, say] = useState('')
  const at = `/api/runs/${run.run}`
  const given = reason.trim() === '' ? {} : { reason: reason.trim() }
  const field = <ReasonField reason={reason} onReason={say} />
  const isStoppable = run.state === 'running' || run.state === 'paused'
  return (
    <div className="orders">
      {run.state === 'running' && (
        <Order
          label="Pause"
          submit="Pause the run"
          path={`${at}/pause`}
          body={given}
          shell={shellOf(['runs', 'pause', run.run], given)}
        >
          <p>No further node begins; what is being executed goes on to its end.</p>
          {field}
        </Order>
      )}
      {run.state === 'paused' && (
        <Order
          label="Resume"
          submit="Resume the run"
          path={`${at}/resume`}
          shell={shellOf(['runs', 'resume', run.run])}
        >
          <p>What was held back begins.</p>
        </Order>
      )}
      {isStoppable && (
        <Order
          label="Cancel"
          submit="Cancel the run for good"
          isGrave
          path={`${at}/cancel`}
          body={given}
          shell={shellOf(['runs', 'cancel', run.run], given)}
        >
          <p>
            <strong>Cancel {run.run}?</strong> What is being executed is told to stop, and nothing else begins. It
            cannot be taken back; a run that has ended can be repeated.
          </p>
          {field}
        </Order>
      )}
      {run.endedAt !== null && <Rerun run={run} />}
    </div>
  )
}
