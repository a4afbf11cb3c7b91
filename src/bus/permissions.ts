import { commands } from '#contracts/all'
import { wholePlace } from '#contracts/experiment-parts'
import { addressOfPortal } from '#contracts/portal'
import {
  type Allowed,
  any,
  appearing,
  asking,
  deciding,
  dispatching,
  examining,
  factsOf,
  following,
  keepingStore,
  type Named,
  opening,
  readingBytes,
  readingHistories,
  readingOutput,
  seeingWhoIsThere,
  takingWork,
  unburying,
  waiting,
  writingBytes,
} from './rights.ts'
import { decidingExperiments, notifying, takingSteps } from './rights-experiments.ts'

export { inboxOf } from './rights.ts'

/** What a connection may publish and subscribe to, as NATS takes it. What is not allowed is denied. */
export type Permissions = {
  readonly publish: { readonly allow: readonly string[]; readonly deny: readonly string[] }
  readonly subscribe: { readonly allow: readonly string[] }
  /** Whether it may answer the requests that reach it, wherever the asker waits. */
  readonly answers: boolean
}

/**
 * `worker`: takes the work of some agents. `owner`: decides for a pipeline and its runs. `host`: both, and what every
 * host does. `web`: keeps a projection and speaks for its users. `script`: reads, asks, and reports facts of its own.
 * `portal`: decides about experiments and takes the steps that are taken at a portal. `site`, `end-node`: take those of one site,
 * or of one end node of it.
 */
export type Role = 'worker' | 'owner' | 'host' | 'web' | 'script' | 'portal' | 'site' | 'end-node'

/** Who is to be allowed what. */
export type Wanted = {
  readonly role: Role
  /** Who it is: the name of a host, of a web process, of a script. */
  readonly principal: string
  /** The pipeline it works for, or the site; any where none is named. */
  readonly pipeline?: string | undefined
  /** The agents whose work it takes, or the end nodes of its site, and the stores that it keeps; any where none are named. */
  readonly agents?: readonly string[] | undefined
  readonly stores?: readonly string[] | undefined
  /** Whether a script has a bucket, to send bytes to stores: whoever makes a bucket says which subjects it takes in. */
  readonly bucket?: boolean | undefined
}

/** The least that a role needs: everything else is denied by the server. */
export const permissionsOf = (...wanted: readonly Wanted[]): Permissions => {
  const parts = wanted.flatMap((one) => [opening(one.principal), ...allowedTo[one.role](withDefaults(one))])
  const all = (of: (part: Allowed) => readonly string[] | undefined) => [
    ...new Set(parts.flatMap((one) => of(one) ?? [])),
  ]
  const publish = all((part) => part.publish)
  return {
    // What one part keeps from its wildcard, another may need by its name.
    publish: { allow: publish, deny: all((part) => part.deny).filter((subject) => !publish.includes(subject)) },
    subscribe: { allow: all((part) => part.subscribe) },
    answers: parts.some(({ answers }) => answers),
  }
}

const withDefaults = ({ principal, pipeline = any, agents, stores, bucket = false }: Wanted): Named => ({
  principal,
  pipeline,
  agents: agents ?? [any],
  stores: stores ?? (agents ? [] : [any]),
  bucket,
})

const worker = (named: Named): Allowed[] => [
  readingHistories,
  takingWork(named),
  ...named.stores.map((store) => keepingStore(named.pipeline, store)),
  asking(named.principal, workersAsk),
  appearing(named.principal),
  writingBytes(named.principal),
  readingBytes,
]

const owner = ({ pipeline, principal }: Named): Allowed[] => [
  readingHistories,
  following,
  deciding(pipeline),
  waiting(pipeline),
  asking(principal, []), // What a condition of another host says, and what a repeated run may reuse.
]

const people = ({ principal }: Named): Allowed[] => [
  readingHistories,
  following,
  asking(principal, peopleAsk),
  factsOf(any, principal),
  seeingWhoIsThere,
  readingOutput,
  examining,
  readingBytes,
]

const peopleWithBucket = (named: Named): Allowed[] => [...people(named), writingBytes(named.principal)]

/** Views of a pipeline, and those of the portal, which everybody who keeps a projection can answer. */
const answering = (pipeline: string): Allowed => ({
  publish: [],
  subscribe: [...new Set([pipeline, addressOfPortal.scope])].map((scope) => `queries.*.${scope}.*`),
  answers: true,
})

const allowedTo: Readonly<Record<Role, (named: Named) => Allowed[]>> = {
  worker,
  owner,
  // Whoever works at a machine uses its file for the command line as well.
  host: (named) => [...worker(named), ...owner(named), ...people(named), dispatching, unburying],
  web: (named) => [...peopleWithBucket(named), answering(named.pipeline)],
  script: (named) => (named.bucket ? peopleWithBucket : people)(named),
  portal: (named) => [
    ...people(named),
    ...stepTaker(named, { agents: [any], parts: [any] }),
    decidingExperiments,
    notifying(named.principal),
    waiting(any),
    dispatching,
    unburying,
  ],
  site: (named) => [...people(named), ...stepTaker(named, atSite(named.agents))],
  'end-node': (named) => [
    readingHistories,
    seeingWhoIsThere,
    ...stepTaker(named, { agents: named.agents.map((node) => `run-${node}`), parts: named.agents }),
  ],
}

/** The agents of a site server and the parts that they print for, by the end nodes behind it; any where these are not known. */
const atSite = (nodes: readonly string[]): Parameters<typeof stepTaker>[1] =>
  nodes.includes(any)
    ? { agents: [any], parts: [any] }
    : {
        agents: ['site-server', ...nodes.flatMap((node) => [`deliver-${node}`, `collect-${node}`, `run-${node}`])],
        parts: [wholePlace, ...nodes],
      }

/** Whoever takes steps of experiments: at a site, of one end node, or, for the portal, at any. */
const stepTaker = (
  { principal, pipeline: place }: Named,
  { agents, parts }: { readonly agents: readonly string[]; readonly parts: readonly string[] },
): Allowed[] => [
  readingHistories,
  takingSteps(place, principal, agents, parts),
  asking(principal, workersAsk),
  appearing(principal),
  writingBytes(principal),
  readingBytes,
]

/** What a worker asks of a run. */
const workersAsk = [
  ...['start', 'beat', 'turn', 'report'].map((verb) => `run.${verb}-node`),
  ...['start', 'beat', 'turn', 'report'].map((verb) => `experiment.${verb}-step`),
]
/** What an owner asks of itself, never over the bus. */
const ownersAsk = [
  ...['define', 'fire', 'plan', 'drop', 'release', 'explain'].map((verb) => `pipeline.${verb}`),
  ...['hold', 'let-go', 'know-node', 'retry-node', 'expire', 'settle'].map((verb) => `run.${verb}`),
  ...['expire-step', 'settle'].map((verb) => `experiment.${verb}`),
  'portal.define',
]
const peopleAsk = Object.keys(commands).filter((type) => ![...workersAsk, ...ownersAsk].includes(type))
