import type { Bus } from '#bus/bus'
import { read } from './asking.ts'
import { keepsMetadata, knownPipelines, mustBeKnown } from './known.ts'
import { knownOptions } from './options.ts'
import type { ShownGraph } from './pipelines.ts'
import type { GraphNodeRow, Idle } from './rows.ts'

/** The log, who is there, and how every node stands. */
export type Status = {
  /** The log's id. */
  readonly log: string
  /** Its last sequence. */
  readonly head: number
  readonly pipelines: readonly string[]
  readonly hosts: readonly string[]
  /** How much work agents gave up on. */
  readonly dead: number
  /** null where no metadata store answers. */
  readonly nodes: readonly GraphNodeRow[] | null
  /** Pipelines that no host has run for a week, and that no run waits for; null where no metadata store answers. */
  readonly idle: readonly Idle[] | null
  /** The pipelines whose metadata stores were to be asked. */
  readonly metadata: readonly string[]
}

type StatusOptions = { readonly metadata?: string | undefined }

const known = knownOptions<StatusOptions>('status', { metadata: true })

/** Looks at everything once; `metadata` names whose metadata store tells how the nodes stand. */
export const statusOf = async (bus: Bus, options: StatusOptions = {}): Promise<Status> => {
  const { metadata } = known(options)
  const graphs = await knownPipelines(bus)
  const keeping = [...graphs.values()].filter(keepsMetadata).map(({ pipeline }) => pipeline)
  const scopes = metadata === undefined ? keeping : [mustBeKnown(graphs, metadata)]
  const [hosts, dead, head, graph] = await Promise.all([bus.present(), bus.dead(), bus.head(), graphFrom(bus, scopes)])
  const pipelines = [...graphs.keys()].sort()
  return {
    log: bus.logId,
    head,
    pipelines,
    hosts: hosts.map(({ host }) => host),
    dead: dead.length,
    nodes: graph?.nodes ?? null,
    idle: graph?.idle ?? null,
    metadata: scopes,
  }
}

/** Every node of all pipelines as it stands, from the first metadata store that answers: each of them knows all. */
const graphFrom = async (bus: Bus, scopes: readonly string[]): Promise<ShownGraph | undefined> => {
  for (const scope of scopes) {
    const found = await read<ShownGraph>(bus, scope, 'graph', {}).catch(() => undefined)
    if (found) return found
  }
  return undefined
}
