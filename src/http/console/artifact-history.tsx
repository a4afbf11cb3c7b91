import type { Happening } from './api-artifacts.ts'
import { Link } from './link.tsx'
import { Moment } from './moment.tsx'
import { Part } from './part.tsx'
import { runAddress } from './router.ts'
import { Table } from './table.tsx'
import { visible } from './text.ts'

/** What was said of it; tags, which come as JSON, as they are written elsewhere. */
const said = ({ what, reason }: Happening): string | null => {
  if (reason === null || what !== 'tagged') return reason && visible(reason)
  const tags: Readonly<Record<string, string>> = JSON.parse(reason)
  return visible(
    Object.entries(tags)
      .map(([key, value]) => `${key} = ${value}`)
      .join(', '),
  )
}

/** Everything that happened to an artifact, newest first, and by whom. */
export const ArtifactHistory = ({ history }: { readonly history: readonly Happening[] }) => (
  <Table
    rows={history}
    keyOf={({ position }) => position}
    columns={[
      { label: 'What', of: ({ what }) => what },
      { label: 'By', of: ({ part, principal }) => <Part part={part ?? principal} />, long: true },
      { label: 'Through', of: ({ peer }) => peer && <Part part={peer} />, long: true },
      { label: 'Run', of: ({ run }) => run && <Link to={runAddress(run)}>{run}</Link> },
      { label: 'Said', of: said, long: true },
      { label: 'When', of: ({ at }) => <Moment at={at} />, short: true },
      {
        label: 'SHA-256',
        of: ({ digest }) => digest && <code title={digest}>{digest.slice(0, 12)}</code>,
        short: true,
      },
    ]}
  />
)
