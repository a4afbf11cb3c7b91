import { useEffect, useState } from 'react'
import { ageOf, momentOf } from './text.ts'

/** How long ago something was, exact to whoever points at it. */
export const Age = ({ at }: { readonly at: string }) => {
  const [now, tick] = useState(Date.now)
  useEffect(() => {
    const timer = setInterval(() => tick(Date.now()), 15_000)
    return () => clearInterval(timer)
  }, [])
  return (
    <time dateTime={at} title={momentOf(at)}>
      {ageOf(now - Date.parse(at))}
    </time>
  )
}
