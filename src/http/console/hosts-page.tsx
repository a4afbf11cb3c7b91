import { useQuery } from '@tanstack/react-query'
import type { Graph } from './api.ts'
import { Link } from './link.tsx'
import { Moment } from './moment.tsx'
import { Page } from './page.tsx'
import { Part } from './part.tsx'
import { Pill } from './pill.tsx'
import { ProblemNote } from './problem-note.tsx'
import { graphQuery, hostsQuery, presenceQuery } from './queries.ts'
import { nodeAddress } from './router.ts'
import { wordOf } from './states.ts'
import { Table } from './table.tsx'
import { visible } from './text.ts'

type Standing = 'here' | 'away' | 'stopped'
type Row = {
  readonly host: string
  readonly standing: Standing | undefined
  readonly machine: string
  readonly process: string | null
  readonly version: string | null
  readonly nodes: readonly string[]
  readonly since: string | null
  readonly seen: string | null
}

/** Every process that ever took a name: whether it is there, what it runs, and where. */
export const HostsPage = () => {
  const { data: hosts, error, refetch } = useQuery(hostsQuery)
  const { data: presence, error: unknown } = useQuery(presenceQuery)
  const { data: graph } = useQuery(graphQuery)
  const known = (hosts?.items ?? []).map((one): Row => {
    const present = presence?.items.find(({ host }) => host === one.host)
    const standing = one.state === 'stopped' ? 'stopped' : present ? 'here' : 'away'
    return {
      host: one.host,
      standing: presence || one.state === 'stopped' ? standing : undefined,
      machine: one.machine,
      process: String(one.pid),
      version: one.version,
      nodes: one.nodes,
      since: one.startedAt,
      seen: standing === 'stopped' ? one.endedAt : standing === 'away' ? lastSeen(graph, one.host) : null,
    }
  })
  return (
    <Page title="Hosts">
      {error && <ProblemNote error={error} retry={refetch} />}
      {unknown && <p className="note">Who is there at this moment is not known: {visible(unknown.message)}</p>}
      {hosts && known.length === 0 && (
        <p className="note">
          No host has appeared yet. Start one: <code>millrace up examples/file-transfer</code>
        </p>
      )}
      {known.length > 0 && (
        <Table
          rows={known.toSorted((one, other) => orderOf(one) - orderOf(other))}
          keyOf={({ host }) => host}
          columns={[
            { label: 'Host', of: ({ host }) => host },
            { label: 'Is', of: ({ standing, seen }) => standing && <Standing standing={standing} seen={seen} /> },
            { label: 'Started', of: ({ since }) => since && <Moment at={since} />, short: true },
            { label: 'Machine', of: ({ machine }) => visible(machine), long: true },
            { label: 'Process', of: ({ process, version }) => process && `${process}, ${visible(version ?? '')}` },
            {
              label: 'Runs',
              of: ({ nodes, standing }) => <Nodes nodes={nodes} graph={standing === 'here' ? graph : undefined} />,
            },
          ]}
        />
      )}
    </Page>
  )
}

const orderOf = ({ standing }: Row): number => ['here', 'away', 'stopped'].indexOf(standing ?? 'here')

/** Whether it is there; if not, since when. */
const Standing = ({ standing, seen }: { readonly standing: Standing; readonly seen: string | null }) => (
  <div>
    {standing === 'away' ? <Pill state="host away" /> : <span className={`standing ${standing}`}>{standing}</span>}
    {seen && (
      <span className="quiet standing-seen">
        {standing === 'away' && 'seen '}
        <Moment at={seen} />
      </span>
    )}
  </div>
)

type NodesProps = { readonly nodes: readonly string[]; readonly graph: Graph | undefined }

/** The nodes that a host runs, each with its state while the host is there. */
const Nodes = ({ nodes, graph }: NodesProps) => (
  <ul className="host-nodes">
    {nodes.map((part) => {
      const node = graph?.nodes.find((one) => one.part === part)
      const word = node?.kind === 'action' && node.run ? wordOf(node) : undefined
      return (
        <li key={part}>
          <Link to={nodeAddress(part)}>
            <Part part={part} />
          </Link>{' '}
          {word && <Pill state={word} />}
        </li>
      )
    })}
  </ul>
)

/** When a host that is away was seen last, as its nodes say it. */
const lastSeen = (graph: Graph | undefined, host: string): string | null => {
  for (const { reason } of graph?.nodes ?? []) {
    const [, who, when] = /([\w-]+)(?:, which)? is away, last seen at (\d[\d:.TZ-]+)/.exec(reason ?? '') ?? []
    if (who === host && when) return when
  }
  return null
}
