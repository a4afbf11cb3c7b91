import { useNow } from './now.ts'
import { durationOf } from './text.ts'

type Props = { readonly from: string; readonly to: string | null }

/** How long something took; while it goes on, how long it has. */
export const Duration = ({ from, to }: Props) => {
  const now = useNow(to === null)
  return durationOf((to ? Date.parse(to) : now) - Date.parse(from))
}
