import { type ReactNode, useId } from 'react'

type Control = {
  readonly id: string
  readonly 'aria-invalid': boolean
  readonly 'aria-describedby': string | undefined
}
type Props = {
  readonly label: string
  /** What is wrong with it. */
  readonly wrong: string | undefined
  readonly hint?: string
  readonly children: (control: Control) => ReactNode
}

/** A field of a form, with what is wrong with it beside it. */
export const Field = ({ label, wrong, hint, children }: Props) => {
  const id = useId()
  const said = wrong === undefined && hint === undefined ? undefined : `${id}-said`
  return (
    <div className="field" data-wrong={wrong !== undefined}>
      <label htmlFor={id}>{label}</label>
      <div>
        {children({ id, 'aria-invalid': wrong !== undefined, 'aria-describedby': said })}
        {(wrong ?? hint) !== undefined && (
          <p id={said} className={wrong === undefined ? 'quiet' : 'wrong'}>
            {wrong ?? hint}
          </p>
        )}
      </div>
    </div>
  )
}
