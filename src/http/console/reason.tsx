import { useNow } from './now.ts'

type Props = { readonly text: string; readonly dueAt?: string | null | undefined }

/** What a node waits for; where that is a moment, with the seconds that are left: `retry 2 of 5 in 8 s after: …`. */
export const Reason = ({ text, dueAt }: Props) => {
  const now = useNow(Boolean(dueAt))
  const left = dueAt ? Math.ceil((Date.parse(dueAt) - now) / 1000) : 0
  if (left <= 0) return text
  const [retry = ''] = /^retry \d+ of \d+/.exec(text) ?? []
  return (
    <>
      {retry}{' '}
      <strong>
        in {left}
        {'\u00a0'}s
      </strong>
      {text.slice(retry.length)}
    </>
  )
}
