import { useEffect } from 'react'
import { useAsked } from './asked.ts'
import { ProblemNote } from './problem-note.tsx'

type Props = {
  readonly label: string
  readonly path: string
  readonly body?: Readonly<Record<string, unknown>>
  /** What does the same from a shell, for whoever points at the button. */
  readonly shell: string
  readonly isPrimary?: boolean
  /** Since when it can be pressed, where once is enough: pressed, it rests until that changes or it is gone. */
  readonly since?: string
}

/** Something that is asked for with one press, as it can be taken back or tried again. A refusal is told below the button. */
export const Press = ({ label, path, body = {}, shell, isPrimary = false, since }: Props) => {
  const { mutate, error, isPending, isSuccess, reset } = useAsked(path, body)
  const asked = JSON.stringify([path, body, since])
  // biome-ignore lint/correctness/useExhaustiveDependencies: what was answered belongs to what was asked.
  useEffect(reset, [asked])
  return (
    <div className="press">
      <button
        type="button"
        className={isPrimary ? 'primary' : undefined}
        disabled={isPending || (since !== undefined && isSuccess)}
        title={shell}
        onClick={() => mutate()}
      >
        {label}
      </button>
      {error && <ProblemNote error={error} />}
    </div>
  )
}
