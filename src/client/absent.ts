import type { Bus } from '#bus/bus'
import { faults } from '#bus/fault'
import { addressOfRun } from '#contracts/subjects'
import { type Graphs, keepsMetadata, knownPipelines } from './known.ts'
import { historyOfRun, mustBeNode, partsIn, runNamed } from './naming.ts'
import type { Page } from './page.ts'
import { mustBeStore } from './stores.ts'

/** What a list was filtered by. */
type Filters = {
  readonly run?: string | undefined
  readonly node?: string | undefined
  readonly store?: string | undefined
}

/**
 * A list as it was answered. Where it is empty, what it was filtered by is looked for, and is a fault where it is not there: a
 * name that is misspelt would pass for one of which nothing is recorded.
 */
export const unlessAbsent = async <Row>(
  bus: Bus,
  page: Page<Row>,
  { run, node, store }: Filters,
): Promise<Page<Row>> => {
  if (page.items.length > 0 || (run ?? node ?? store) === undefined) return page
  const isWhole = run?.includes('/') && node === undefined && store === undefined
  const graphs: Graphs = isWhole ? new Map() : await knownPipelines(bus)
  const runs = run === undefined ? [] : await runsThere(bus, run, graphs)
  if (store !== undefined) mustBeStore(graphs, store)
  if (node === undefined) return page
  const had = await Promise.all(runs.map(async (one) => historyOfRun(bus, await runNamed(bus, one))))
  const defined = [...graphs.values()].flatMap(({ pipeline, nodes }) => nodes.map(({ name }) => `${pipeline}/${name}`))
  mustBeNode(node, [...new Set([...defined, ...had.flatMap(({ events }) => partsIn(events))])])
  return page
}

/** The runs of a name, which may be the number alone: that of one pipeline or of several. */
const runsThere = async (bus: Bus, run: string, graphs: Graphs): Promise<readonly string[]> => {
  const keepers = [...graphs.values()].filter(keepsMetadata)
  const named = run.includes('/') ? [run] : keepers.map(({ pipeline }) => `${pipeline}/${run}`)
  const last = await Promise.all(named.map((one) => bus.last(addressOfRun(one))))
  const there = named.filter((_, index) => last[index] !== undefined)
  if (there.length === 0) throw faults.nothingThere(`run ${named.length === 1 ? named[0] : run}`)
  return there
}
