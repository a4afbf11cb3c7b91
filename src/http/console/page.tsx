import { type ReactNode, useEffect, useRef } from 'react'
import { hasMoved } from './router.ts'

type Props = { readonly title: string; readonly beside?: ReactNode; readonly children: ReactNode }

/** A screen with its heading; after a move within the console the heading is read out. */
export const Page = ({ title, beside, children }: Props) => {
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    if (hasMoved()) heading.current?.focus()
  }, [])
  return (
    <>
      <title>{`${title} · Millrace`}</title>
      <div className="page-head">
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
        {beside}
      </div>
      {children}
    </>
  )
}
