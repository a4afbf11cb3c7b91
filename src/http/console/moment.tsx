import { momentOf } from './text.ts'

/** A moment, exact to whoever points at it. */
export const Moment = ({ at }: { readonly at: string }) => (
  <time dateTime={at} title={at}>
    {momentOf(at)}
  </time>
)
