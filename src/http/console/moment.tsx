import { momentOf } from './text.ts'

type Props = { readonly at: string; readonly to?: 'second' | 'minute' }

/** A moment, exact to whoever points at it. */
export const Moment = ({ at, to = 'second' }: Props) => (
  <time dateTime={at} title={at}>
    {momentOf(at, to)}
  </time>
)
