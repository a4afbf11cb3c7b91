import { keepsFiles } from '#contracts/pipeline'
import type { Kinds } from './definition.ts'
import type { Pipeline } from './shape.ts'

/** What one host runs of a pipeline: all of it, or the nodes that it was told. */
export type Share = {
  /** Every node that is here, by its name. */
  readonly nodes: readonly string[]
  /** What is opened here: stores that lie here, clients, and what metadata is read of. */
  readonly stores: Kinds
  readonly actions: Pipeline['actions']
  /** Stores that actions here may use and that lie on another host. */
  readonly elsewhere: Kinds
  /** Whether this host decides: what the pipeline looks like and, where it keeps metadata, what its runs do next. */
  readonly decides: boolean
}

const isClient = (kind: string): boolean => kind.endsWith('-client')

/**
 * What a host runs of a pipeline, where it is to run `only` some nodes, each as `<pipeline>/<node>`. Clients keep nothing that
 * others ask for: they come along with any action. Whoever keeps the metadata decides; where nobody does, everybody says alike
 * what the pipeline looks like.
 */
export const shareOf = ({ name, stores, actions }: Pipeline, only?: ReadonlySet<string>): Share => {
  const isNamed = (node: string) => only === undefined || only.has(`${name}/${node}`)
  const acting = Object.entries(actions).filter(([node]) => isNamed(node))
  const acts = acting.length > 0
  const placed = Object.entries(stores)
  const here = placed.filter(([node, { kind }]) => isNamed(node) || (acts && isClient(kind)))
  const nodes = [...here, ...acting].map(([node]) => node)
  const keeper = placed.find(([, { kind }]) => kind === 'metadata-store')?.[0]
  return {
    nodes,
    stores: Object.fromEntries([...here, ...placed.filter(([node]) => node === keeper)]),
    actions: Object.fromEntries(acting),
    elsewhere: Object.fromEntries(acts ? placed.filter(([node, { kind }]) => keepsFiles(kind) && !isNamed(node)) : []),
    decides: keeper === undefined ? nodes.length > 0 : isNamed(keeper),
  }
}
