import { type FormEvent, type KeyboardEvent, type ReactNode, useEffect, useId, useRef, useState } from 'react'
import { type Answer, useAsked } from './asked.ts'
import { ProblemNote } from './problem-note.tsx'
import { ShellLine } from './shell-line.tsx'

type Props = {
  /** What the button says that opens it, and the one that sends it. */
  readonly label: string
  readonly submit?: string
  /** Where it is posted, with what. */
  readonly path: string
  readonly body?: Readonly<Record<string, unknown>>
  /** The command line that does the same, where there is one. */
  readonly shell?: string
  readonly children?: ReactNode
  /** What is said once it has been accepted, given the id that it was sent with and the answer; where that is nothing, it closes. */
  readonly done?: (id: string, answer: Answer) => ReactNode
  readonly isGrave?: boolean
  readonly isReady?: boolean
}

/** Something that can be asked of a run or a pipeline: a button, then what is to be said about it, then what came of it. */
export const Order = ({ label, submit = label, path, body, shell, children, done, isGrave, isReady = true }: Props) => {
  const [isOpen, open] = useState(false)
  const button = useRef<HTMLButtonElement>(null)
  const form = useRef<HTMLFormElement>(null)
  const formId = useId()
  const asked = JSON.stringify([path, body])
  const {
    mutate,
    error,
    data: accepted,
    isPending,
    reset,
  } = useAsked(path, body, ({ id, answer }) => {
    if (!done?.(id, answer)) open(false)
  })
  // biome-ignore lint/correctness/useExhaustiveDependencies: what was answered belongs to what was asked.
  useEffect(reset, [asked])
  useEffect(() => {
    if (isOpen) form.current?.querySelector<HTMLElement>('input, select, textarea, button')?.focus()
  }, [isOpen])

  const close = () => {
    open(false)
    reset()
    button.current?.focus()
  }
  const send = (event: FormEvent) => {
    event.preventDefault()
    mutate()
  }
  const closeOnEscape = ({ key }: KeyboardEvent) => key === 'Escape' && close()
  return (
    <div className="order">
      <button
        ref={button}
        type="button"
        aria-expanded={isOpen}
        aria-controls={formId}
        onClick={() => (isOpen ? close() : open(true))}
      >
        {label}
      </button>
      {isOpen && (
        <form ref={form} id={formId} aria-label={label} className="note" onSubmit={send} onKeyDown={closeOnEscape}>
          {children}
          <div className="order-end">
            <button type="submit" className={isGrave ? 'grave' : 'primary'} disabled={isPending || !isReady}>
              {submit}
            </button>
            <button type="button" onClick={close}>
              {accepted ? 'Close' : 'Leave it'}
            </button>
          </div>
          {shell !== undefined && <ShellLine command={shell} />}
          <output>{accepted && done?.(accepted.id, accepted.answer)}</output>
          {error && <ProblemNote error={error} />}
        </form>
      )}
    </div>
  )
}

type ReasonProps = { readonly reason: string; readonly onReason: (reason: string) => void }

/** Why, for whoever reads it later. */
export const ReasonField = ({ reason, onReason }: ReasonProps) => (
  <label>
    Reason
    <input
      value={reason}
      maxLength={1000}
      placeholder="why, for whoever reads it later"
      onChange={({ target }) => onReason(target.value)}
    />
  </label>
)
