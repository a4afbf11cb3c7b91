import type { Bus } from '#bus/bus'
import { ask } from '#bus/command'
import { Fault } from '#bus/fault'
import type { Answer } from '#bus/handle'
import { queryOf } from '#contracts/subjects'
import { keepingMetadata, knownPipelines, mustBeKnown } from './known.ts'

/** How long an answer about what is recorded is waited for, in milliseconds: a projection waits for a position for ten seconds. */
const answeredWithin = 15_000

/** Reads a view from the process that keeps a pipeline's metadata. */
export const read = async <T>(bus: Bus, pipeline: string, view: string, said: object): Promise<T> =>
  (await bus
    .request(queryOf(view, pipeline, bus.principal), said, { timeout: answeredWithin })
    .catch(orUnknown(bus, pipeline))) as T

/**
 * Reads a view that says the same whichever metadata store is asked: the one that is named, or the first that answers, as
 * each of them knows the whole log; that of the pipeline that is asked about before the others.
 */
export const readAnywhere = async <T>(
  bus: Bus,
  metadata: string | undefined,
  view: string,
  said: object,
): Promise<T> => {
  const { pipeline: about } = said as { readonly pipeline?: unknown }
  const asked = about === undefined ? { ...said, everywhere: true } : said
  if (metadata !== undefined) return read(bus, metadata, view, asked)
  const graphs = await knownPipelines(bus)
  if (typeof about === 'string') mustBeKnown(graphs, about)
  const keepers = keepingMetadata(graphs)
  if (keepers.length === 1) return read(bus, keepers[0], view, asked)
  let failure: unknown
  for (const pipeline of keepers.toSorted((a, b) => Number(b === about) - Number(a === about)))
    try {
      return await read<T>(bus, pipeline, view, asked)
    } catch (cause) {
      if (!isAway(cause)) throw cause
      failure = cause
    }
  throw failure
}

/** Sends a command to whoever owns an aggregate of a pipeline. `id`, a UUIDv7, is kept when the same is sent again. */
export const order = (
  bus: Bus,
  pipeline: string,
  key: string,
  type: string,
  data: object,
  id?: string,
): Promise<Answer> =>
  ask(bus, {
    address: { aggregate: type.split('.')[0] ?? '', scope: pipeline, key },
    type,
    data,
    ...(id !== undefined && { id }),
  }).catch(orUnknown(bus, pipeline))

const isAway = (cause: unknown): boolean =>
  cause instanceof Fault && (cause.code === 'bus.no-owner' || cause.code === 'bus.timeout')

/** Throws what was thrown; where nobody answers for a pipeline that nobody has defined, a fault that names those there are. */
const orUnknown =
  (bus: Bus, pipeline: string) =>
  async (cause: unknown): Promise<never> => {
    if (cause instanceof Fault && cause.code === 'bus.no-owner') mustBeKnown(await knownPipelines(bus), pipeline)
    throw cause
  }
