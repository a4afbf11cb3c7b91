import { createHash } from 'node:crypto'
import { splitPart } from '#contracts/names'
import type { Lineage, LineageThing } from './artifacts.ts'
import type { Client } from './client.ts'
import type { NodeRow } from './rows.ts'

type Execution = Extract<LineageThing, { kind: 'execution' }>
type Artifact = Extract<LineageThing, { kind: 'artifact' }>

/** Bytes as OpenLineage names them: the pipeline is the namespace, the digest the version. */
export type Dataset = {
  readonly namespace: string
  readonly name: string
  readonly facets: { readonly version: object }
}

/** One execution of a node, as OpenLineage 2-0-2 tells it (https://openlineage.io/spec/2-0-2/OpenLineage.json). */
export type RunEvent = {
  readonly eventType: 'COMPLETE' | 'FAIL' | 'ABORT' | 'RUNNING'
  readonly eventTime: string
  readonly run: { readonly runId: string }
  readonly job: { readonly namespace: string; readonly name: string }
  readonly inputs: readonly Dataset[]
  readonly outputs: readonly Dataset[]
  readonly producer: string
  readonly schemaURL: string
}

const producer = 'urn:millrace:lineage'
const schemaURL = 'https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent'
const versionSchema =
  'https://openlineage.io/spec/facets/1-0-1/DatasetVersionDatasetFacet.json#/$defs/DatasetVersionDatasetFacet'

/** Every execution of a lineage, oldest first, with what it took and gave there. */
export const openLineageOf = async (client: Pick<Client, 'query'>, lineage: Lineage): Promise<readonly RunEvent[]> => {
  const executions = lineage.things.filter((thing) => thing.kind === 'execution')
  const artifacts = new Map(lineage.things.flatMap((thing) => (thing.kind === 'artifact' ? [[thing.id, thing]] : [])))
  const nodes = new Map<string, NodeRow>()
  for (const run of new Set(executions.map((one) => one.run))) {
    const [pipeline = '', number] = run.split('/')
    const found = await client.query<{ nodes: readonly NodeRow[] }>(pipeline, 'run', { run: Number(number) })
    for (const node of found.nodes) nodes.set(`${run} ${node.part}`, node)
  }
  const named = (id: string): Dataset[] => {
    const artifact = artifacts.get(id)
    return artifact ? [datasetOf(artifact)] : []
  }
  return executions
    .filter(({ id }) =>
      lineage.edges.some(({ source, target, kind }) => isData(kind) && (source === id || target === id)),
    )
    .map((execution) => {
      const { id, run, part } = execution
      const node = nodes.get(`${run} ${part}`)
      const ofData = lineage.edges.filter(({ kind }) => isData(kind))
      return {
        eventType: typeOf(node),
        eventTime: node?.endedAt ?? node?.startedAt ?? new Date(0).toISOString(),
        run: { runId: runIdOf(execution) },
        job: { namespace: namespaceOf(part), name: splitPart(part).node },
        inputs: unique(ofData.filter(({ target }) => target === id).flatMap(({ source }) => named(source))),
        outputs: unique(ofData.filter(({ source }) => source === id).flatMap(({ target }) => named(target))),
        producer,
        schemaURL,
      }
    })
    .toSorted((a, b) => a.eventTime.localeCompare(b.eventTime))
}

/** A store that offered something did nothing with it. */
const isData = (kind: string): boolean => kind !== 'after' && kind !== 'offered'

const typeOf = (node: NodeRow | undefined): RunEvent['eventType'] => {
  switch (node?.state) {
    case 'failed':
    case 'errored':
      return 'FAIL'
    case 'cancelled':
    case 'skipped':
      return 'ABORT'
    case undefined:
    case 'succeeded':
      return 'COMPLETE'
    default:
      return 'RUNNING'
  }
}

const namespaceOf = (part: string): string => `millrace://${splitPart(part).pipeline}`

const datasetOf = ({ store, path, digest }: Artifact): Dataset => ({
  namespace: namespaceOf(store),
  name: `${splitPart(store).node}/${path}`,
  facets: { version: { _producer: producer, _schemaURL: versionSchema, datasetVersion: `sha256:${digest}` } },
})

const unique = (datasets: readonly Dataset[]): Dataset[] => [
  ...new Map(datasets.map((one) => [JSON.stringify(one), one])).values(),
]

/** The same execution has the same id, whoever tells it: a UUID of version 5 (RFC 9562) in a namespace of our own. */
const runIdOf = ({ run, part }: Execution): string => {
  const bytes = createHash('sha1').update(namespace).update(`${run}/${part}`).digest().subarray(0, 16)
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x50
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  const hex = bytes.toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}

/** Drawn once, for the ids of executions; never changed. */
const namespace = Buffer.from('6d0f6a3c4b7e4f0e9a1d5c2b8e7f3a90', 'hex')
