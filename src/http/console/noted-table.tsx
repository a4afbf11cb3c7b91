import type { Noted } from './api.ts'
import { Moment } from './moment.tsx'
import { type Column, Table } from './table.tsx'
import { nameOf, visible } from './text.ts'

type Props = { readonly title: string; readonly rows: readonly Noted[] }

const steps: Column<Noted> = { label: 'Step', of: ({ step }) => step }

/** Metrics, params or tags, as they were noted. */
export const NotedTable = ({ title, rows }: Props) => {
  if (rows.length === 0) return null
  const hasSteps = rows.some(({ step }) => typeof step === 'number')
  return (
    <section>
      <h2>{title}</h2>
      <Table
        rows={rows}
        keyOf={({ position, key }) => `${position} ${key}`}
        columns={[
          { label: 'Name', of: ({ key }) => visible(key), long: true },
          {
            label: 'Value',
            of: ({ value }) => visible(typeof value === 'string' ? value : JSON.stringify(value)),
            long: true,
          },
          ...(hasSteps ? [steps] : []),
          { label: 'By', of: ({ part, principal }) => (part ? nameOf(part) : principal) },
          { label: 'When', of: ({ at }) => <Moment at={at} />, short: true },
        ]}
      />
    </section>
  )
}
