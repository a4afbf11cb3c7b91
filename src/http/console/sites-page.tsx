import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { EndNode, Reservation, Site } from './api-sites.ts'
import { Calendar } from './calendar.tsx'
import { DiskRoom } from './disk.tsx'
import { endNodesQuery, keptNowQuery, sitesQuery } from './experiment-queries.ts'
import { Link } from './link.tsx'
import { Moment } from './moment.tsx'
import { Page } from './page.tsx'
import { Pill } from './pill.tsx'
import { ProblemNote } from './problem-note.tsx'
import { experimentAddress } from './router.ts'
import { Table } from './table.tsx'

/** Sites and their end nodes: who is there, how much room, which experiment has what, and for whom nodes are kept free. */
export const SitesPage = () => {
  const { data: sites, error, refetch } = useQuery(sitesQuery)
  const { data: nodes } = useQuery(endNodesQuery)
  const [opened] = useState(() => Date.now())
  const { data: reserved } = useQuery(keptNowQuery(opened))
  return (
    <Page title="Sites">
      {error && <ProblemNote error={error} retry={refetch} />}
      {sites?.items.length === 0 && <p className="note">The portal’s file names no site that you may see.</p>}
      <div className="sites">
        {sites?.items.map((site) => (
          <SiteCard
            key={site.site}
            site={site}
            nodes={nodes?.items.filter((node) => node.site === site.site) ?? []}
            kept={reserved?.items.filter(isNow) ?? []}
          />
        ))}
      </div>
      {nodes && nodes.items.length > 0 && <Calendar nodes={nodes.items} />}
    </Page>
  )
}

const isNow = ({ startsAt, endsAt }: Reservation): boolean => {
  const now = Date.now()
  return Date.parse(startsAt) <= now && now < Date.parse(endsAt)
}

type Props = {
  readonly site: Site
  readonly nodes: readonly EndNode[]
  /** What is reserved now. */
  readonly kept: readonly Reservation[]
}

const SiteCard = ({
  site: { site, server, builder, present, free, nodes: count, running, disk },
  nodes,
  kept,
}: Props) => (
  <section className="site" aria-label={`Site ${site}`}>
    <h2>
      {site} <Presence isThere={present} />
    </h2>
    <p className="quiet">
      Site server {server}
      {builder === 'command' && ', told over ssh to build'}. {free} of {count} nodes free
      {keptOf(nodes, kept) > 0 && `, ${keptOf(nodes, kept)} of them reserved now`}
      {running > 0 && `, ${running} running`}.
    </p>
    <p>
      <span className="quiet">Its disk:</span> <DiskRoom disk={disk} />
    </p>
    {nodes.length > 0 && (
      <Table
        rows={nodes}
        keyOf={({ part }) => part}
        columns={[
          { label: 'End node', of: ({ node }) => node },
          { label: 'Type', of: ({ type, capabilities }) => [type ?? '', ...capabilities].join(', ') },
          {
            label: 'Agent',
            of: ({ agent, present }) =>
              agent ? (
                <>
                  {agent} <Presence isThere={present} />
                </>
              ) : (
                <span className="quiet">driven by its site</span>
              ),
          },
          { label: 'Disk', of: ({ disk }) => <DiskRoom disk={disk} /> },
          { label: 'Has', of: (node) => <Occupant node={node} kept={kept.find(({ part }) => part === node.part)} /> },
        ]}
      />
    )}
  </section>
)

const Presence = ({ isThere }: { readonly isThere: boolean | null }) =>
  isThere === null ? (
    <span className="quiet">not known</span>
  ) : isThere ? (
    <span className="standing here">here</span>
  ) : (
    <Pill state="host away" />
  )

const keptOf = (nodes: readonly EndNode[], kept: readonly Reservation[]): number =>
  nodes.filter((node) => node.state === 'free' && kept.some(({ part }) => part === node.part)).length

type Having = { readonly node: EndNode; readonly kept: Reservation | undefined }

const Occupant = ({ node: { state, occupiedBy }, kept }: Having) => {
  if (occupiedBy) return <Link to={experimentAddress(occupiedBy)}>{occupiedBy}</Link>
  if (state === 'occupied') return 'an experiment of another project'
  if (state !== 'free') return <Pill state={state} />
  if (!kept) return <span className="quiet">free</span>
  return (
    <span className="quiet">
      reserved for {kept.project ?? 'another project'} until <Moment at={kept.endsAt} to="minute" />
    </span>
  )
}
