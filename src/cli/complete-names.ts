import { connectionOf } from '#bus/connection-of'
import { openBus } from '#bus/jetstream'
import { type Client, clientOf } from '#client/client'
import { type Graphs, knownPipelines } from '#client/known'
import { storesIn } from '#client/stores'
import type { Candidate } from './complete.ts'
import type { Common } from './options.ts'

/** What a word may name. */
export type Names = 'pipeline' | 'run' | 'node' | 'store' | 'request' | 'event'

type Asked = { readonly client: Client; readonly graphs: Graphs; readonly current: string }

/** How many runs are offered, the newest first. */
const offeredRuns = 50

/** Names of one kind that there are, asked of the bus under the name of the command line. */
export const namesFor = async (kind: Names, current: string, options: Common): Promise<readonly Candidate[]> => {
  const bus = await openBus({ ...connectionOf(options), principal: 'cli' })
  try {
    return await of[kind]({ client: clientOf(bus), graphs: await knownPipelines(bus), current })
  } finally {
    await bus.close()
  }
}

const of: Readonly<Record<Names, (asked: Asked) => Promise<readonly Candidate[]>>> = {
  pipeline: async ({ graphs }) => [...graphs.keys()].sort().map((name) => ({ name })),
  store: async ({ graphs, current }) => shortly(storesIn(graphs), current),
  node: async ({ graphs, current }) => shortly(actionsIn(graphs), current),
  run: async ({ client, current }) => {
    const { items } = await client.runs.list({ limit: offeredRuns })
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
