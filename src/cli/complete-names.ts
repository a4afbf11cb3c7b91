import { connectionOf } from '#bus/connection-of'
import { openBus } from '#bus/jetstream'
import { type Client, clientOf } from '#client/client'
import { experimentListsOf } from '#client/experiment-lists'
import { type Graphs, knownPipelines } from '#client/known'
import { storesIn } from '#client/stores'
import type { Candidate } from './complete.ts'
import type { SessionOptions } from './session.ts'

/** What a word may name. */
export type Names = 'pipeline' | 'run' | 'node' | 'store' | 'request' | 'event' | 'experiment' | 'end-node' | 'site'

type Asked = {
  readonly client: Client
  readonly lists: ReturnType<typeof experimentListsOf>
  readonly graphs: () => Promise<Graphs>
  readonly current: string
}

/** How many runs, or experiments, are offered, the newest first. */
const offered = 50

/** Names of one kind that there are, asked of the bus in the name of whoever the command line says, as each is told of their own experiments. */
export const namesFor = async (
  kind: Names,
  current: string,
  options: SessionOptions,
): Promise<readonly Candidate[]> => {
  const bus = await openBus({ ...connectionOf(options), principal: options.as ?? 'cli' })
  try {
    const graphs = () => knownPipelines(bus)
    return await of[kind]({ client: clientOf(bus), lists: experimentListsOf(bus), graphs, current })
  } finally {
    await bus.close()
  }
}

const of: Readonly<Record<Names, (asked: Asked) => Promise<readonly Candidate[]>>> = {
  pipeline: async ({ graphs }) => [...(await graphs()).keys()].sort().map((name) => ({ name })),
  store: async ({ graphs, current }) => shortly(storesIn(await graphs()), current),
  node: async ({ graphs, current }) => shortly(actionsIn(await graphs()), current),
  run: async ({ client, current }) => {
    const { items } = await client.runs.list({ limit: offered })
    return items.map(({ run, number, state, message }) => ({
      name: /^\d*$/.test(current) ? String(number) : run,
      about: `${state}: ${message}`,
    }))
  },
  request: async ({ client }) => {
    const { items } = await client.pipelines.requests(undefined, { state: 'queued' })
    return items.map(({ request, message }) => ({ name: request, about: message }))
  },
  event: async ({ client }) =>
    (await client.dead.list()).map(({ eventId, reason }) => ({ name: eventId, about: reason })),
  experiment: async ({ lists, current }) => {
    const { items } = await lists.list({ limit: offered, ...(current !== '' && { text: current }) })
    return items.map(({ experiment, name, mode, status }) => ({
      name: experiment,
      about: `${mode}, ${status}: ${name}`,
    }))
  },
  'end-node': async ({ lists }) => {
    const { items } = await lists.endNodes({ limit: 1_000 })
    return items.map(({ part, type, state }) => ({ name: part, about: [type, state].filter(Boolean).join(', ') }))
  },
  site: async ({ lists }) => {
    const { items } = await lists.endNodes({ limit: 1_000 })
    return [...new Set(items.map(({ part }) => part.split('/')[0] ?? ''))].map((name) => ({ name }))
  },
}

const actionsIn = (graphs: Graphs): readonly string[] =>
  [...graphs.values()].flatMap(({ pipeline, nodes }) =>
    nodes.filter(({ kind }) => kind === 'action').map(({ name }) => `${pipeline}/${name}`),
  )

/** Names without their pipeline where that says which is meant; whole ones where somebody has begun to write one. */
const shortly = (parts: readonly string[], current: string): readonly Candidate[] => {
  const short = (part: string) => part.slice(part.indexOf('/') + 1)
  const isAlone = (part: string) => parts.filter((other) => short(other) === short(part)).length === 1
  const begun = parts.some((part) => part.startsWith(current) && current.length > 0) && current.includes('/')
  return parts.map((part) => (isAlone(part) && !begun ? { name: short(part), about: part } : { name: part }))
}
