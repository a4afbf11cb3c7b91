import type { Problem } from './api.ts'
import { visible } from './text.ts'

type Props = { readonly error: Error; readonly retry?: () => unknown }

/** What went wrong, in a sentence, and a way to try again. */
export const ProblemNote = ({ error, retry }: Props) => {
  const { title } = error as Problem
  return (
    <div className="note problem" role="alert">
      <p>
        {title && <strong>{title}: </strong>}
        {visible(error.message)}
      </p>
      {retry && (
        <button type="button" onClick={() => retry()}>
          Try again
        </button>
      )}
    </div>
  )
}
