import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { Age } from './age.tsx'
import type { Experiment } from './api-experiments.ts'
import { Cut } from './cut.tsx'
import { experimentsQuery, sitesQuery } from './experiment-queries.ts'
import { waitWords } from './experiment-words.ts'
import { ExperimentsFilters, experimentFiltersIn } from './experiments-filters.tsx'
import { Link } from './link.tsx'
import { Older } from './older.tsx'
import { Page } from './page.tsx'
import { ProblemNote } from './problem-note.tsx'
import { experimentAddress, useAddress } from './router.ts'
import { meQuery } from './session.ts'
import { Standing } from './standing.tsx'
import { Table } from './table.tsx'
import { inOne, visible } from './text.ts'

/** All experiments that somebody may see, newest first, live. */
export const ExperimentsPage = () => {
  const filters = experimentFiltersIn(useAddress().said)
  const query = useInfiniteQuery(experimentsQuery(filters))
  const { data, error, refetch } = query
  const { data: me } = useQuery(meQuery)
  const { data: sites } = useQuery(sitesQuery)
  const experiments = data?.pages.flatMap(({ items }) => items) ?? []
  const isMember = (me?.projects.length ?? 0) > 0
  const isNarrowed = Object.keys(filters).length > 0
  return (
    <Page
      title="Experiments"
      beside={
        isMember && (
          <Link to="/experiments/new" className="button primary">
            New experiment
          </Link>
        )
      }
    >
      <ExperimentsFilters
        filters={filters}
        projects={me?.seen ?? []}
        sites={sites?.items.map(({ site }) => site) ?? []}
      />
      {error && <ProblemNote error={error} retry={refetch} />}
      {data && experiments.length === 0 && (
        <p className="note">
          {isNarrowed
            ? 'No experiment is like that.'
            : me && !me.portal
              ? 'There is no portal in this log, so there are no experiments.'
              : me?.roles.length === 0
                ? 'The portal knows nobody of your name: ask an administrator to be made a member of a project.'
                : isMember
                  ? 'No experiment yet. Make the first one.'
                  : 'No experiment yet.'}
        </p>
      )}
      {experiments.length > 0 && (
        <Table
          rows={experiments}
          keyOf={({ experiment }) => experiment}
          columns={[
            { label: 'Experiment', of: (one) => <Named experiment={one} /> },
            { label: 'Stands at', of: (one) => <Standing experiment={one} /> },
            { label: 'Waits', of: ({ waits }) => waits && waitWords(waits) },
            { label: 'Reason', of: ({ reason }) => reason && <Cut text={inOne(reason)} />, long: true },
            { label: 'Sites', of: ({ sites: at }) => at.join(', ') },
            { label: 'Of', of: ({ creator, project }) => `${creator}, ${project}` },
            { label: 'Age', of: ({ createdAt }) => <Age at={createdAt} />, short: true },
          ]}
        />
      )}
      <Older query={query} label="Older experiments" />
    </Page>
  )
}

const Named = ({ experiment: { experiment, name } }: { readonly experiment: Experiment }) => (
  <>
    <Link to={experimentAddress(experiment)}>{visible(name)}</Link>
    <span className="quiet under">{experiment}</span>
  </>
)
