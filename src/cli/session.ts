import type { Command } from 'commander'
import type { Bus } from '#bus/bus'
import { Fault } from '#bus/fault'
import { openBus } from '#bus/jetstream'
import { readEvent } from '#contracts/all'
import type { Graph, PipelineEvent } from '#contracts/pipeline'
import { historiesOf, queryOf } from '#contracts/subjects'
import { openPatiently } from './connect.ts'
import { type Common, connectionOf, withConnection } from './options.ts'

/** What a verb that asks something is given. */
export type Session = { readonly bus: Bus; readonly json: boolean; readonly signal: AbortSignal }

/** Options of every verb that asks something and ends. */
export const withSession = (command: Command): Command =>
  withConnection(command).option('--json', 'print JSON, for programs').option('--as <principal>', 'who asks', 'cli')

/** Connects, does something, and closes the connection whatever happens. `patient`: waits while no server answers. */
export const inSession = async <Options extends Common & { readonly as?: string }>(
  options: Options,
  act: (session: Session) => Promise<void>,
  { patient = false }: { readonly patient?: boolean } = {},
): Promise<void> => {
  const stop = new AbortController()
  const end = () => stop.abort()
  process.once('SIGINT', end)
  process.once('SIGTERM', end)
  const connection = { ...connectionOf(options), principal: options.as ?? 'cli' }
  const tell = (line: string) => void process.stderr.write(`${line}\n`)
  const bus = await (patient ? openPatiently(connection, stop.signal, tell) : openBus(connection))
  try {
    await act({ bus, json: options.json ?? false, signal: stop.signal })
  } finally {
    await bus.close()
  }
}

/** Every pipeline that somebody has defined, by name. */
export const knownPipelines = async (bus: Bus): Promise<ReadonlyMap<string, Graph>> => {
  const graphs = new Map<string, Graph>()
  const last = await bus.head()
  if (last === 0) return graphs
  const stop = new AbortController()
  await bus.follow(
    { logId: bus.logId, sequence: 0 },
    ({ events, pending }) => {
      for (const recorded of events) {
        const reading = readEvent(recorded)
        const event = reading.kept ? (reading.event as unknown as PipelineEvent) : undefined
        if (event?.type === 'pipeline.defined') graphs.set(event.data.graph.pipeline, event.data.graph)
      }
      if (pending === 0) stop.abort()
    },
    AbortSignal.any([stop.signal, AbortSignal.timeout(5_000)]),
    [historiesOf({ aggregate: 'pipeline', key: 'self' })],
  )
  return graphs
}

/** The pipeline whose metadata store answers: the one that was named, or the only one there is. */
export const metadataPipeline = async (bus: Bus, named: string | undefined): Promise<string> => {
  if (named) return named
  const graphs = await knownPipelines(bus)
  const keeping = [...graphs.values()].filter(({ nodes }) => nodes.some(({ kind }) => kind === 'metadata-store'))
  const [only, ...others] = keeping.map(({ pipeline }) => pipeline)
  if (!only) throw new Fault('config.none', 'Nobody has defined a pipeline with a metadata store yet. See: millrace up')
  if (others.length > 0)
    throw new Fault('config.several', `Say which pipeline, with --pipeline: ${[only, ...others].join(', ')}`)
  return only
}

/** Reads a view from the process that keeps the projection. */
export const query = async <T>(bus: Bus, view: string, scope: string, params: object): Promise<T> =>
  (await bus.request(queryOf(view, scope, bus.principal), params)) as T
