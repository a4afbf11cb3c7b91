import { useMutation, useQuery } from '@tanstack/react-query'
import { type FormEvent, useId, useRef, useState } from 'react'
import { startRun } from './api.ts'
import { ProblemNote } from './problem-note.tsx'
import { graphQuery } from './queries.ts'
import { quoted } from './text.ts'

/** Asks for a run, and shows the command line that does the same. */
export const StartRun = () => {
  const { data: graph } = useQuery(graphQuery)
  const pipelines = [
    ...new Set(graph?.nodes.flatMap(({ kind, pipeline }) => (kind === 'metadata-store' ? [pipeline] : []))),
  ]
  const [isOpen, open] = useState(false)
  const [message, say] = useState('on request')
  const [wanted, want] = useState<string>()
  const pipeline = wanted ?? pipelines[0]
  const form = useId()
  // Kept until it is done: a second try after a doubt asks for the same run.
  const id = useRef<string>(undefined)
  const { mutate, error, isPending, isSuccess, reset } = useMutation({
    mutationFn: (to: string) => {
      id.current ??= crypto.randomUUID()
      return startRun(to, message, id.current)
    },
    onSuccess: () => {
      id.current = undefined
    },
  })
  const change = () => {
    id.current = undefined
    reset()
  }
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (pipeline) mutate(pipeline)
  }
  const named = pipelines.length > 1 ? ` --pipeline ${pipeline}` : ''
  return (
    <div className="start-run">
      <button type="button" aria-expanded={isOpen} aria-controls={form} onClick={() => open(!isOpen)}>
        Start a run
      </button>
      {isOpen && (
        <form id={form} className="note" onSubmit={submit} onChange={change}>
          {pipelines.length > 1 && (
            <label>
              Pipeline
              <select value={pipeline} onChange={({ target }) => want(target.value)}>
                {pipelines.map((one) => (
                  <option key={one}>{one}</option>
                ))}
              </select>
            </label>
          )}
          <label>
            Message
            <input value={message} maxLength={1000} onChange={({ target }) => say(target.value)} />
          </label>
          <button type="submit" className="primary" disabled={isPending || !pipeline}>
            Start
          </button>
          <p className="same">
            The same from a shell:
            <code>{`millrace runs start --message ${quoted(message)}${named}`}</code>
          </p>
          {!pipeline && graph && <p>No pipeline with a metadata store is connected.</p>}
          <output>{isSuccess && 'Asked for: it starts as soon as a slot is free.'}</output>
          {error && <ProblemNote error={error} />}
        </form>
      )}
    </div>
  )
}
