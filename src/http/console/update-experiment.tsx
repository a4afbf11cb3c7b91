import { useState } from 'react'
import type { ExperimentDetail } from './api-experiments.ts'
import { useAsked } from './asked.ts'
import { DraftFields } from './draft-fields.tsx'
import { describedBy, draftOf, wrongIn } from './experiment-draft.ts'
import { orderPath } from './experiment-order.ts'
import { ProblemNote } from './problem-note.tsx'

/** Describes an experiment anew: what has been begun goes on as it was. */
export const UpdateExperiment = ({ experiment }: { readonly experiment: ExperimentDetail }) => {
  const [isOpen, open] = useState(false)
  return (
    <div className="order">
      <button type="button" aria-expanded={isOpen} onClick={() => open(!isOpen)}>
        Change it
      </button>
      {isOpen && <Fields experiment={experiment} onClose={() => open(false)} />}
    </div>
  )
}

type Props = { readonly experiment: ExperimentDetail; readonly onClose: () => void }

const Fields = ({ experiment, onClose }: Props) => {
  const [draft, setDraft] = useState(() => draftOf(experiment))
  const { mutate, error, isPending } = useAsked(orderPath(experiment.experiment, 'update'), describedBy(draft), onClose)
  const wrong = wrongIn(error, draft)
  return (
    <form
      className="note form"
      aria-label="Change it"
      noValidate
      onKeyDown={({ key }) => key === 'Escape' && onClose()}
      onSubmit={(event) => {
        event.preventDefault()
        mutate()
      }}
    >
      <p>What has been begun goes on as it was: this holds from the next attempt on.</p>
      <DraftFields draft={draft} onDraft={(change) => setDraft((before) => ({ ...before, ...change }))} wrong={wrong} />
      {error && Object.keys(wrong).length === 0 && <ProblemNote error={error} />}
      <div className="order-end">
        <button type="submit" className="primary" disabled={isPending}>
          Change it
        </button>
        <button type="button" onClick={onClose}>
          Leave it
        </button>
      </div>
    </form>
  )
}
