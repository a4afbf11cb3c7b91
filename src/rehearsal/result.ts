import { readFile } from 'node:fs/promises'
import type { LogLevel } from '#agents/result'
import type { Bus } from '#bus/bus'
import { knownIn } from '#contracts/all'
import type { ArtifactEvent } from '#contracts/artifact'
import type { Recorded } from '#contracts/envelope'
import type { RunEvent } from '#contracts/run'
import type { TrackingEvent } from '#contracts/tracking'
import type { Rehearsed } from './stage.ts'

/** A line that a node printed. */
export type Line = { readonly node: string; readonly level: LogLevel; readonly text: string }

/** How a node stands when the run is over. */
export type FinishedNode = {
  readonly state: 'succeeded' | 'failed' | 'errored' | 'skipped' | 'not started'
  readonly attempts: number
  readonly message?: string
  readonly reason?: string
}

/** What was logged. */
export type Logged = {
  readonly metrics: readonly {
    readonly key: string
    readonly value: number
    readonly step?: number
    readonly node: string
  }[]
  readonly params: Readonly<Record<string, unknown>>
  readonly tags: Readonly<Record<string, string>>
}

/** What a run came to, and what was logged of it. */
export type Finished = Logged & {
  /** `not started`: a condition did not hold, or a pipeline that it needs was not given. */
  readonly outcome: 'succeeded' | 'failed' | 'not started'
  /** Why it did not start, by node. */
  readonly waits: Readonly<Record<string, string>>
  /** A node, by its name, or as `<pipeline>/<node>`. Throws where there is none. */
  readonly node: (name: string) => FinishedNode
  /** What lies in a store, as text by path. Throws where there is no such store. */
  readonly files: (store: string) => Readonly<Record<string, string>>
  /** What was said about an artifact. */
  readonly tagsOf: (store: string, path: string) => Readonly<Record<string, string>>
  /** Which artifacts were opened, and by which node. */
  readonly used: readonly { readonly store: string; readonly path: string; readonly node: string }[]
  /** What was logged through clients of other pipelines' metadata stores, by pipeline: it is of those, and of no run. */
  readonly loggedOf: Readonly<Record<string, Logged>>
  readonly log: readonly Line[]
}

/** Gathers what a run came to, while its folders are still there. */
export const finishedOf = async (
  { bus, pipelines, nodes, runs, run }: Rehearsed,
  log: readonly Line[],
  waits: Readonly<Record<string, string>> = {},
): Promise<Finished> => {
  const [first] = pipelines
  const { state } = await runs.current(run)
  const told = (await bus.read(run)).events.map(({ type, data }) => ({ type, data }) as RunEvent)
  const qualified = (name: string): string => (name.includes('/') ? name : `${first?.name}/${name}`)
  const files = new Map<string, Readonly<Record<string, string>>>()
  const facts: (Recorded & ArtifactEvent)[] = []
  for (const [pipeline, { stores }] of nodes)
    for (const [node, store] of stores) {
      const texts = await Promise.all(
        store.list().map(async ({ path }) => [path, await readFile(`${store.root}/${path}`, 'utf8')] as const),
      )
      files.set(`${pipeline}/${node}`, Object.fromEntries(texts))
    }
  for (const { name, stores, actions } of pipelines)
    for (const key of [...Object.keys(stores), ...Object.keys(actions)])
      for (const recorded of (await bus.read({ aggregate: 'artifact', scope: name, key })).events) {
        const fact = knownIn<ArtifactEvent>(recorded)
        if (fact) facts.push(fact)
      }
  const { '': ofRun = [], ...ofOthers } = Object.groupBy(await loggedOn(bus), ({ data }) => data.pipeline ?? '')
  const of = <T>(what: string, known: ReadonlyMap<string, T>, name: string): T => {
    const found = known.get(qualified(name))
    if (found === undefined)
      throw new TypeError(`No ${what} is called ${name}; there are ${[...known.keys()].join(', ')}`)
    return found
  }
  const stands = new Map(
    Object.entries(state.nodes).flatMap(([part, node]) =>
      node.executed === false ? [] : [[part, finishedNode(part, node, told)] as const],
    ),
  )
  return {
    outcome: state.status === 'succeeded' || state.status === 'failed' ? state.status : 'not started',
    waits,
    node: (name) => of('node', stands, name),
    files: (store) => of('store', files, store),
    tagsOf: (store, path) =>
      Object.assign(
        {},
        ...facts.flatMap(({ type, data }) =>
          type === 'artifact.tagged' && data.store === qualified(store) && data.path === path ? [data.tags] : [],
        ),
      ),
    used: facts.flatMap(({ type, data }) =>
      type === 'artifact.used' ? [{ store: data.store, path: data.path, node: data.by?.part ?? '' }] : [],
    ),
    ...logged(ofRun),
    loggedOf: Object.fromEntries(Object.entries(ofOthers).map(([pipeline, noted = []]) => [pipeline, logged(noted)])),
    log,
  }
}

const logged = (noted: readonly TrackingEvent[]): Logged => ({
  metrics: noted.flatMap(({ type, data }) => {
    if (type !== 'tracking.metric-logged') return []
    const { key, value, step, by } = data
    return [{ key, value: Number(value), ...(step !== undefined && { step }), node: by?.part ?? '' }]
  }),
  params: Object.fromEntries(
    noted.flatMap(({ type, data }) => (type === 'tracking.param-logged' ? [[data.key, data.value]] : [])),
  ),
  tags: Object.fromEntries(
    noted.flatMap(({ type, data }) => (type === 'tracking.tagged' ? [[data.key, data.value]] : [])),
  ),
})

/** Everything that has been noted, oldest first. */
const loggedOn = async (bus: Bus): Promise<readonly (TrackingEvent & Recorded)[]> => {
  const head = await bus.head()
  const found: (TrackingEvent & Recorded)[] = []
  if (head === 0) return found
  const done = new AbortController()
  await bus.follow(
    { logId: bus.logId, sequence: 0 },
    ({ events, upTo }) => {
      for (const recorded of events) {
        const event = recorded.address.aggregate === 'tracking' && knownIn<TrackingEvent>(recorded)
        if (event) found.push(event)
      }
      if (upTo >= head) done.abort()
    },
    done.signal,
  )
  return found
}

type Standing = Awaited<ReturnType<Rehearsed['runs']['current']>>['state']['nodes'][string]

const finishedNode = (part: string, { state, outcome, attempt }: Standing, told: readonly RunEvent[]): FinishedNode => {
  const ends = told.filter((event) => 'part' in event.data && event.data.part === part)
  const last = ends.at(-1)
  const stands = state === 'failed' ? (outcome as 'failed' | 'errored') : state
  return {
    state:
      stands === 'succeeded' || stands === 'failed' || stands === 'errored' || stands === 'skipped'
        ? stands
        : 'not started',
    attempts: attempt,
    ...(last?.type === 'run.node-succeeded' && last.data.message !== undefined && { message: last.data.message }),
    ...((last?.type === 'run.node-failed' || last?.type === 'run.node-skipped') && { reason: last.data.reason }),
  }
}
