import type { Happening } from './api-artifacts.ts'
import { ArtifactLink } from './artifact-link.tsx'
import { Moment } from './moment.tsx'
import { Table } from './table.tsx'
import { nameOf, sizeOf } from './text.ts'

const groups = [
  ['Inputs', ['offered', 'used']],
  ['Outputs', ['produced', 'uploaded']],
  ['Transfers', ['downloaded']],
] as const satisfies readonly (readonly [string, readonly string[]])[]

/** What a run took and gave. */
export const RunArtifacts = ({ artifacts }: { readonly artifacts: readonly Happening[] }) =>
  groups.map(([title, whats]) => {
    const rows = artifacts.filter(({ what }) => (whats as readonly string[]).includes(what))
    if (rows.length === 0 && title === 'Transfers') return null
    return (
      <section key={title}>
        <h2>{title}</h2>
        {rows.length === 0 && <p className="quiet">None.</p>}
        {rows.length > 0 && (
          <Table
            rows={rows}
            keyOf={({ position, store, path }) => `${position} ${store} ${path}`}
            columns={[
              { label: 'File', of: ({ store, path }) => <ArtifactLink store={store} path={path} /> },
              { label: 'Store', of: ({ store }) => nameOf(store) },
              { label: 'What', of: ({ what }) => what },
              { label: 'By', of: ({ part }) => part && nameOf(part) },
              { label: 'Size', of: ({ size }) => size !== null && sizeOf(size), short: true },
              { label: 'When', of: ({ at }) => <Moment at={at} />, short: true },
            ]}
          />
        )}
      </section>
    )
  })
