import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { notificationsQuery } from './experiment-queries.ts'
import { Facts } from './facts.tsx'
import { Link } from './link.tsx'
import { Moment } from './moment.tsx'
import { Older } from './older.tsx'
import { Page } from './page.tsx'
import { Pill } from './pill.tsx'
import { PreferencesForm } from './preferences-form.tsx'
import { ProblemNote } from './problem-note.tsx'
import { experimentAddress } from './router.ts'
import { type Me, meQuery } from './session.ts'
import { Table } from './table.tsx'
import { inOne, visible } from './text.ts'

/** Whoever looks: as whom they are known, what they want to be told, and what they were. */
export const MePage = () => {
  const { data: me, error, refetch } = useQuery(meQuery)
  return (
    <Page title={me?.name ?? 'You'}>
      {error && <ProblemNote error={error} retry={refetch} />}
      {me && <Told me={me} />}
    </Page>
  )
}

const Told = ({ me }: { readonly me: Me }) => {
  const query = useInfiniteQuery(notificationsQuery(me.name ?? ''))
  const items = query.data?.pages.flatMap((page) => page.items) ?? []
  return (
    <>
      <Facts
        rows={[
          ['Roles', me.roles.join(', ') || 'none'],
          ['Projects', me.projects.join(', ')],
        ]}
      />
      <h2>What you want to be told</h2>
      <PreferencesForm key={JSON.stringify(me.preferences)} preferences={me.preferences} />
      <h2>What you were told</h2>
      {query.error && <ProblemNote error={query.error} retry={query.refetch} />}
      {query.data && items.length === 0 && <p className="quiet">Nothing yet.</p>}
      {items.length > 0 && (
        <Table
          rows={items}
          keyOf={({ position }) => position}
          columns={[
            { label: 'What', of: ({ subject }) => visible(subject), long: true },
            {
              label: 'Experiment',
              of: ({ experiment }) => <Link to={experimentAddress(experiment)}>{experiment}</Link>,
            },
            { label: 'By', of: ({ way }) => way },
            { label: 'Was', of: ({ outcome }) => <Pill state={outcome} />, short: true },
            { label: 'Why', of: ({ reason }) => reason && inOne(reason), long: true },
            { label: 'When', of: ({ at }) => <Moment at={at} />, short: true },
          ]}
        />
      )}
      <Older query={query} label="Older ones" />
    </>
  )
}
