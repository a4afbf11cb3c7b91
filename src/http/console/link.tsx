import type { MouseEvent, ReactNode } from 'react'
import { go } from './router.ts'

type Props = {
  readonly to: string
  readonly children: ReactNode
  readonly className?: string
  readonly current?: boolean
}

/** A link within the console: a plain click stays on the page, anything else is the browser's. */
export const Link = ({ to, children, className, current = false }: Props) => {
  const follow = (event: MouseEvent) => {
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
    event.preventDefault()
    go(to)
  }
  return (
    <a href={to} className={className} onClick={follow} aria-current={current ? 'page' : undefined}>
      {children}
    </a>
  )
}
