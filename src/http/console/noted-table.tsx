import type { Noted } from './api.ts'
import { Moment } from './moment.tsx'
import { type Column, Table } from './table.tsx'
import { nameOf, valueText, visible } from './text.ts'

type Props = { readonly title: string; readonly rows: readonly Noted[] }

const steps: Column<Noted> = { label: 'Step', of: ({ step }) => step }
const attempts: Column<Noted> = { label: 'Attempt', of: ({ attempt }) => attempt }

/** Params or tags, as they were noted. */
export const NotedTable = ({ title, rows }: Props) =>
  rows.length > 0 && (
    <section>
      <h2>{title}</h2>
      <NotedRows rows={rows} />
    </section>
  )

/** Metrics, params or tags, row by row. */
export const NotedRows = ({ rows }: Pick<Props, 'rows'>) => (
  <Table
    rows={rows}
    keyOf={({ position, key }) => `${position} ${key}`}
    columns={[
      { label: 'Name', of: ({ key }) => visible(key), long: true },
      {
        label: 'Value',
        of: ({ value }) => valueText(value),
        long: true,
      },
      ...(rows.some(({ step }) => typeof step === 'number') ? [steps] : []),
      { label: 'By', of: ({ part, principal }) => (part ? nameOf(part) : principal) },
      ...(rows.some(({ attempt }) => (attempt ?? 1) > 1) ? [attempts] : []),
      { label: 'When', of: ({ at }) => <Moment at={at} />, short: true },
    ]}
  />
)
