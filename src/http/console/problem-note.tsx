import type { Problem } from './ask.ts'
import { visible } from './text.ts'

type Props = { readonly error: Error; readonly retry?: () => unknown }

/** What went wrong, in a sentence, and a way to try again: what is not there or not allowed will not be at a second try. */
export const ProblemNote = ({ error, retry }: Props) => {
  const { title, status } = error as Problem
  const isFinal = status >= 400 && status < 500
  return (
    <div className="note problem" role="alert">
      <p>
        {title && <strong>{title}: </strong>}
        {visible(error.message)}
      </p>
      {retry && !isFinal && (
        <button type="button" onClick={() => retry()}>
          Try again
        </button>
      )}
    </div>
  )
}
