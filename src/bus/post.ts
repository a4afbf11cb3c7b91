import { contractOf, events, problemsOf } from '#contracts/all'
import { nameFrom } from '#contracts/names'
import { addressOfRun } from '#contracts/subjects'
import type { Bus } from './bus.ts'
import { refusePassedOver, uuidv7 } from './command.ts'
import { Fault, faults } from './fault.ts'

/** Whether somebody has ever defined a pipeline; whether its host is there does not matter. */
export const isDefined = async (bus: Pick<Bus, 'last'>, pipeline: string): Promise<boolean> =>
  (await bus.last({ aggregate: 'pipeline', scope: pipeline, key: 'self' })) !== undefined

/** A fact that a script reports: no host, no outbox, one call. */
export type Posted = {
  /** The pipeline it is about. */
  readonly scope: string
  readonly type: string
  readonly data: unknown
  /** UUIDv7, kept when the same fact is posted again after a doubt. */
  readonly id?: string
  /** In whose name, where the asker may speak for others. */
  readonly onBehalfOf?: string
}

/** What the data of a fact may be about. */
type Named = { readonly run?: unknown; readonly pipeline?: unknown; readonly by?: { readonly run: string } }

/** What somebody says of a fact, held against its contract; a fault with the path of each field that is wrong or unknown. */
export const factFrom = (type: string, data: unknown): { readonly version: number; readonly data: unknown } => {
  const contract = contractOf(type)
  if (contract?.kind !== 'fact')
    throw faults.unknownMessage(
      type,
      Object.keys(events).filter((name) => contractOf(name)?.kind === 'fact'),
    )
  const parsed = contract.data.safeParse(data)
  if (!parsed.success) throw faults.brokenContract(type, problemsOf(parsed.error.issues))
  refusePassedOver(type, data, parsed.data, contract.data)
  return { version: contract.version, data: parsed.data }
}

/**
 * Posts a fact under the script's own name, and says a position at which it can be read. An answer that is lost is asked
 * for again with the same id, so the fact is stored once. A fault where it names a run that nobody has planned, or a pipeline
 * that nobody has defined.
 */
export const postFact = async (bus: Bus, { scope, type, data, id = uuidv7(), onBehalfOf }: Posted): Promise<string> => {
  const principal = onBehalfOf ?? bus.principal
  const known = factFrom(type, data)
  const { run: named, pipeline, by } = known.data as Named
  const run = named ?? by?.run
  // A number of a run that there never was would be found by nobody.
  if (typeof run === 'string' && !(await bus.last(addressOfRun(run)))) throw faults.nothingThere(`run ${run}`)
  if (typeof pipeline === 'string' && !(await isDefined(bus, pipeline)))
    throw faults.nothingThere(`pipeline ${pipeline}`)
  const event = {
    id,
    type,
    ...known,
    source: bus.principal,
    time: new Date().toISOString(),
    correlationId: id,
    causationId: id,
    principal,
  }
  const address = { aggregate: type.split('.')[0] ?? '', scope, key: nameFrom(bus.principal) }
  for (let tries = 0; ; tries++) {
    try {
      const stored = await bus.append([{ address, expectedVersion: 'any', events: [event] }])
      // A duplicate was stored by an earlier try: it lies at the head, or before it.
      return `${bus.logId}.${stored === 'conflict' ? await bus.head() : stored}`
    } catch (cause) {
      if (!(cause instanceof Fault && cause.code === 'bus.timeout') || tries === 5) throw cause
    }
  }
}
