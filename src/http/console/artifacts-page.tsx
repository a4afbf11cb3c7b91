import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import type { Artifact } from './api-artifacts.ts'
import { ArtifactLink } from './artifact-link.tsx'
import { Folder } from './folder.tsx'
import { Link } from './link.tsx'
import { Moment } from './moment.tsx'
import { Older } from './older.tsx'
import { Page } from './page.tsx'
import { ProblemNote } from './problem-note.tsx'
import { artifactsQuery, graphQuery } from './queries.ts'
import { go, runAddress } from './router.ts'
import { keepsFiles } from './states.ts'
import { Table } from './table.tsx'
import { sizeOf } from './text.ts'

/** What lies in one store, or in all, newest first. */
export const ArtifactsPage = ({ store }: { readonly store: string | undefined }) => {
  const query = useInfiniteQuery(artifactsQuery({ node: store, sort: 'time' }))
  const { data, error, refetch } = query
  const { data: graph } = useQuery(graphQuery)
  const stores = graph?.nodes.filter(keepsFiles).map(({ part }) => part) ?? []
  const items = data?.pages.flatMap((page) => page.items) ?? []
  const folder = graph?.nodes.find(({ part, watch }) => watch && (part === store || !store))?.path
  return (
    <Page title="Artifacts">
      <p>
        <label>
          Store{' '}
          <select value={store ?? ''} onChange={({ target }) => go(`/artifacts/${target.value}`, { replace: true })}>
            <option value="">all</option>
            {(store && !stores.includes(store) ? [store, ...stores] : stores).map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
        </label>
      </p>
      {error && <ProblemNote error={error} retry={refetch} />}
      {data && items.length === 0 && (
        <p className="note">
          No artifact yet{folder ? ': drop a file into ' : '.'}
          {folder && <Folder path={folder} />}
        </p>
      )}
      {items.length > 0 && (
        <Table
          rows={items}
          keyOf={(one) => `${one.store} ${one.path}`}
          columns={[
            { label: 'File', of: (one) => <ArtifactLink store={one.store} path={one.path} /> },
            ...(store ? [] : [{ label: 'Store', of: (one: Artifact) => one.store }]),
            { label: 'State', of: (one) => one.state },
            { label: 'Run', of: ({ run }) => run && <Link to={runAddress(run)}>{run}</Link> },
            { label: 'Size', of: ({ size }) => size !== null && sizeOf(size), short: true },
            { label: 'When', of: ({ at }) => <Moment at={at} />, short: true },
          ]}
        />
      )}
      <Older query={query} label="Older artifacts" />
    </Page>
  )
}
