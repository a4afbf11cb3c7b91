import { useEffect, useState } from 'react'

/** The present, second by second while it matters. */
export const useNow = (matters: boolean): number => {
  const [now, tick] = useState(Date.now)
  useEffect(() => {
    if (!matters) return
    const timer = setInterval(() => tick(Date.now()), 1_000)
    return () => clearInterval(timer)
  }, [matters])
  return now
}
