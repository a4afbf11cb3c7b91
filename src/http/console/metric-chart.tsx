import { useEffect, useRef } from 'react'
import uPlot from 'uplot'
import { type Chart, lastOf, type Oddity, saidOf } from './chart-data.ts'
import { NotedRows } from './noted-table.tsx'
import { colourIn, useScheme } from './scheme.ts'
import { momentOf, visible } from './text.ts'

const height = 220
const colours = Array.from({ length: 8 }, (_, index) => `--series-${index}`)
/** How many rows a table beside a chart has at most. */
const mostRows = 1_000

/** The values of one key as lines over steps or time; what is no number is marked, and said in words. */
export const MetricChart = ({ chart }: { readonly chart: Chart }) => {
  const box = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot>(undefined)
  const latest = useRef(chart)
  const scheme = useScheme()
  const shape = JSON.stringify([chart.over, chart.series])
  latest.current = chart

  // biome-ignore lint/correctness/useExhaustiveDependencies: values are set below; only another shape needs another plot.
  useEffect(() => {
    const element = box.current
    if (!element) return
    const made = new uPlot(optionsOf(chart, element, latest), chart.data as uPlot.AlignedData, element)
    plot.current = made
    const observer = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height }))
    observer.observe(element)
    return () => {
      observer.disconnect()
      made.destroy()
      plot.current = undefined
    }
  }, [shape, scheme])
  useEffect(() => plot.current?.setData(chart.data as uPlot.AlignedData), [chart])

  const name = visible(chart.key)
  const values = `${chart.points.length} values of ${name} over ${chart.over}, also below as a table`
  return (
    <figure className="chart" aria-label={`Chart of ${name}`}>
      <figcaption>
        {name} <span className="quiet">over {chart.over}</span>
      </figcaption>
      <div ref={box} className="chart-plot" role="img" aria-label={values} />
      {chart.oddities.length > 0 && <p className="chart-said">{saidOf(chart)}</p>}
      <details>
        <summary>As a table</summary>
        {chart.points.length > mostRows && <p className="quiet">The last {mostRows} values.</p>}
        <NotedRows rows={chart.points.slice(-mostRows)} />
      </details>
    </figure>
  )
}

/** `latest` has the values, which change while the options of a plot stay. */
const optionsOf = (chart: Chart, element: HTMLElement, latest: { readonly current: Chart }): uPlot.Options => {
  const [text, line, quiet] = ['--text', '--line', '--quiet'].map((one) => colourIn(element, one))
  const strokes = colours.map((one) => colourIn(element, one))
  const strokeOf = (index: number): string => strokes[index % strokes.length] ?? ''
  const placeOf = (x: number): string =>
    chart.over === 'step' ? String(x) : momentOf(new Date(x * 1000).toISOString())
  const axis = { stroke: quiet ?? '', grid: { stroke: line ?? '', width: 1 }, ticks: { stroke: line ?? '', width: 1 } }
  return {
    width: element.clientWidth,
    height,
    scales: {
      x: { time: chart.over === 'time' },
      // Where there is no number at all, there is room for the marks.
      y: { range: (_, low, high) => (low === null || high === null ? [0, 1] : uPlot.rangeNum(low, high, 0.1, true)) },
    },
    axes: [axis, { ...axis, size: 56 }],
    series: [
      { label: chart.over === 'step' ? 'Step' : 'Time', value: (plot, x) => (isPointedAt(plot) ? placeOf(x) : 'last') },
      ...chart.series.map(({ label }, index) => ({
        label: visible(label),
        stroke: strokeOf(index),
        width: 1.5,
        value: (plot: uPlot, value: number | null) => shown(isPointedAt(plot) ? value : lastOf(latest.current, index)),
      })),
    ],
    hooks: { draw: [(drawn) => drawMarks(drawn, latest.current.oddities, strokeOf, text ?? '')] },
  }
}

const isPointedAt = ({ cursor }: uPlot): boolean => typeof cursor.idx === 'number'

const shown = (value: number | string | null): string =>
  typeof value === 'number' ? String(Number(value.toPrecision(7))) : (value ?? '–')

const signs = { NaN: '×', Infinity: '▲', '-Infinity': '▼' } as const

/** What is no number: at its place, in the middle, at the top or at the bottom. */
const drawMarks = (
  { ctx, bbox, valToPos }: uPlot,
  marks: readonly Oddity[],
  strokeOf: (series: number) => string,
  text: string,
): void => {
  ctx.save()
  ctx.textAlign = 'center'
  const scale = devicePixelRatio
  for (const { x, series, value } of marks) {
    const left = valToPos(x, 'x', true)
    if (left < bbox.left || left > bbox.left + bbox.width) continue
    const top = { NaN: bbox.height / 2, Infinity: 22 * scale, '-Infinity': bbox.height - 8 * scale }[value] + bbox.top
    ctx.fillStyle = strokeOf(series)
    ctx.font = `bold ${14 * scale}px sans-serif`
    ctx.fillText(signs[value], left, top)
    ctx.fillStyle = text
    ctx.font = `${10 * scale}px sans-serif`
    ctx.fillText(value.replace('Infinity', '∞'), left, top - 12 * scale)
  }
  ctx.restore()
}
