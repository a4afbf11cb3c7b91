import { useQuery } from '@tanstack/react-query'
import { useMemo } from 'react'
import type { Noted } from './api.ts'
import { chartsOf } from './chart-data.ts'
import { MetricChart } from './metric-chart.tsx'
import { Moment } from './moment.tsx'
import { ProblemNote } from './problem-note.tsx'
import { notedQuery } from './queries.ts'
import { Table } from './table.tsx'
import { nameOf, valueText, visible } from './text.ts'

type Props = { readonly pipeline: string }

/** What scripts and people noted of a pipeline and of no run of it: pages of runs have all else. */
export const NodeNoted = ({ pipeline }: Props) => (
  <>
    <NotedOf kind="metrics" title="Metrics outside of runs" pipeline={pipeline} />
    <NotedOf kind="params" title="Params outside of runs" pipeline={pipeline} />
    <NotedOf kind="tags" title="Tags outside of runs" pipeline={pipeline} />
  </>
)

const NotedOf = ({
  kind,
  title,
  pipeline,
}: Props & { readonly kind: 'metrics' | 'params' | 'tags'; readonly title: string }) => {
  const { data, error, refetch } = useQuery(notedQuery(kind, pipeline))
  const charts = useMemo(
    () => (kind === 'metrics' ? chartsOf(data?.items.toReversed() ?? []).charts : []),
    [data, kind],
  )
  if (error) return <ProblemNote error={error} retry={refetch} />
  if (!data || data.items.length === 0) return null
  return (
    <section className="noted">
      <h3>{title}</h3>
      {charts.map((chart) => (
        <MetricChart key={chart.key} chart={chart} />
      ))}
      <NewestNoted rows={data.items} />
      {data.next && <p className="quiet">The newest {data.items.length}; the API lists all.</p>}
    </section>
  )
}

/** As narrow as a panel: who and when share a column. */
const NewestNoted = ({ rows }: { readonly rows: readonly Noted[] }) => (
  <Table
    rows={rows}
    keyOf={({ position }) => position}
    columns={[
      { label: 'Name', of: ({ key }) => visible(key), long: true },
      {
        label: 'Value',
        of: ({ value, step }) => (
          <>
            {valueText(value)} {typeof step === 'number' && <span className="quiet">at step {step}</span>}
          </>
        ),
        long: true,
      },
      {
        label: 'By, when',
        of: ({ part, principal, at }) => (
          <>
            {part ? nameOf(part) : visible(principal)}, <Moment at={at} />
          </>
        ),
      },
    ]}
  />
)
