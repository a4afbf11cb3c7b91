import { type ReactNode, type RefObject, useEffect, useLayoutEffect, useReducer, useRef } from 'react'

type Props<Line> = {
  readonly lines: readonly Line[]
  readonly render: (line: Line, index: number) => ReactNode
  /** Whether the end stays in sight. */
  readonly isFollowing: boolean
  readonly onFollow: (isFollowing: boolean) => void
  readonly label: string
}

/** How many lines are drawn together, how high one is before it has been seen, and how near the end is the end, in pixels. */
const together = 50
const usual = 20
const near = 8

/** Lines of any height, of which only those in sight are in the page: those before and behind are an empty space. */
export const VirtualLines = <Line,>({ lines, render, isFollowing, onFollow, label }: Props<Line>) => {
  const box = useRef<HTMLDivElement>(null)
  const heights = useRef(new Map<number, number>())
  const before = useRef({ first: lines[0], top: 0, end: 0 })
  const [, redraw] = useReducer((times: number) => times + 1, 0)

  const chunks = Math.ceil(lines.length / together)
  const heightOf = (chunk: number): number =>
    heights.current.get(chunk) ?? Math.min(together, lines.length - chunk * together) * usual

  // What was measured holds for the same lines at the same width.
  if (before.current.first !== lines[0]) heights.current.clear()
  useEffect(
    () =>
      onWidth(box, () => {
        heights.current.clear()
        redraw()
      }),
    [],
  )

  const { scrollTop = 0, clientHeight = 600 } = box.current ?? {}
  const [from, to, above, below] = seen(
    chunks,
    heightOf,
    isFollowing ? Number.MAX_SAFE_INTEGER : scrollTop,
    clientHeight,
  )

  useLayoutEffect(() => {
    const element = box.current
    if (!element) return
    let isNew = false
    for (const chunk of element.querySelectorAll<HTMLElement>('[data-chunk]')) {
      const [index, height] = [Number(chunk.dataset.chunk), chunk.getBoundingClientRect().height]
      isNew ||= Math.abs((heights.current.get(index) ?? -1) - height) > 0.5
      heights.current.set(index, height)
    }
    const hasMore = before.current.first !== lines[0]
    if (isFollowing) element.scrollTop = element.scrollHeight
    // What was fetched before the first line moves nothing that is read.
    else if (hasMore) element.scrollTop = element.scrollHeight - before.current.end
    before.current = { first: lines[0], top: element.scrollTop, end: element.scrollHeight - element.scrollTop }
    if (isNew || hasMore) redraw()
  })

  const onScroll = () => {
    const { scrollTop: top, scrollHeight, clientHeight: height } = box.current as HTMLDivElement
    const isAtEnd = scrollHeight - top - height < near
    if (isFollowing && !isAtEnd && top < before.current.top - 1) onFollow(false)
    before.current = { ...before.current, top, end: scrollHeight - top }
    redraw()
  }

  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
    <div ref={box} className="lines" role="log" aria-live="off" aria-label={label} tabIndex={0} onScroll={onScroll}>
      <div style={{ height: above }} />
      {Array.from({ length: Math.max(0, to - from) }, (_, at) => from + at).map((chunk) => (
        <div key={chunk} data-chunk={chunk}>
          {lines.slice(chunk * together, (chunk + 1) * together).map((line, at) => render(line, chunk * together + at))}
        </div>
      ))}
      <div style={{ height: below }} />
    </div>
  )
}

/** Calls when the width of an element changes. */
const onWidth = (box: RefObject<HTMLElement | null>, changed: () => void): (() => void) => {
  let width = box.current?.clientWidth
  const observer = new ResizeObserver(() => {
    if (box.current?.clientWidth === width) return
    width = box.current?.clientWidth
    changed()
  })
  if (box.current) observer.observe(box.current)
  return () => observer.disconnect()
}

/** Which chunks are in sight, with one more at either end, and how much is above and below them. */
const seen = (chunks: number, heightOf: (chunk: number) => number, top: number, height: number) => {
  const all = Array.from({ length: chunks }, (_, chunk) => heightOf(chunk))
  const total = all.reduce((sum, one) => sum + one, 0)
  const start = Math.max(0, Math.min(top, total - height))
  let from = 0
  let above = 0
  while (from < chunks && above + (all[from] ?? 0) < start) above += all[from++] ?? 0
  let to = from
  let drawn = 0
  while (to < chunks && above + drawn < start + height) drawn += all[to++] ?? 0
  if (from > 0) above -= all[--from] ?? 0
  if (to < chunks) to++
  const below = total - above - all.slice(from, to).reduce((sum, one) => sum + one, 0)
  return [from, to, above, Math.max(0, below)] as const
}
