import { useQuery } from '@tanstack/react-query'
import { useMemo } from 'react'
import { chartsOf } from './chart-data.ts'
import { MetricChart } from './metric-chart.tsx'
import { metricsQuery, mostPoints } from './metrics.ts'
import { NotedRows } from './noted-table.tsx'
import { ProblemNote } from './problem-note.tsx'

/** The numbers that a run has logged: as charts, and what is one number alone in a table. */
export const RunMetrics = ({ run }: { readonly run: string }) => {
  const { data, error, refetch } = useQuery(metricsQuery(run))
  const { charts, single } = useMemo(() => chartsOf(data?.points ?? []), [data])
  if (error) return <ProblemNote error={error} retry={refetch} />
  if (!data || data.points.length === 0) return null
  return (
    <section>
      <h2>Metrics</h2>
      {data.isCut && (
        <p className="note">Only the first {mostPoints.toLocaleString()} values are drawn; the API lists all.</p>
      )}
      <div className="charts">
        {charts.map((chart) => (
          <MetricChart key={chart.key} chart={chart} />
        ))}
      </div>
      {single.length > 0 && <NotedRows rows={single} />}
    </section>
  )
}
