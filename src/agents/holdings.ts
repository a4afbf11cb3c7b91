import type { Work } from '#bus/bus'
import { durably } from '#bus/outbox'
import type { Local } from './local.ts'
import type { Agent } from './result.ts'

/** A result that was written down, and the execution that it is of. */
export type Kept<Execution, Result> = { readonly execution: Execution; readonly result: Result }

/** An execution that took less than this, in milliseconds, is not worth a sync of the disk: after a power cut it is done again. */
const soonSpent = 1_000

/**
 * What a host keeps of one agent's work in its hands, on its disk: by the id of the event that asked for it, and by the agent where
 * that may have asked several.
 */
export const openHoldings = <Execution, Result>(local: Local, { where, agent }: Agent) => {
  const keyOf = ({ event }: Work): string =>
    event.type === 'run.node-scheduled' ? event.id : `${event.id} ${where}/${agent}`
  const hold = local.prepare(
    `insert into holdings (event, receipt, renewed) values (?, ?, ?)
     on conflict (event) do update set receipt = excluded.receipt, renewed = excluded.renewed`,
  )
  const letGo = local.prepare('delete from holdings where event = ?')
  const count = (column: 'begun' | 'lost') =>
    local
      .prepare<[string], number>(
        `insert into tries (event, ${column}) values (?, 1)
         on conflict (event) do update set ${column} = ${column} + 1 returning ${column}`,
      )
      .pluck()
  const [begun, lost] = [count('begun'), count('lost')]
  const unbegin = local.prepare('update tries set begun = begun - 1 where event = ?')
  const resultOf = local.prepare<[string], { execution: string; result: string }>(
    'select execution, result from results where event = ?',
  )
  const keepResult = local.prepare('insert or replace into results (event, execution, result) values (?, ?, ?)')
  const forget = local.transaction((event: string) => {
    for (const table of ['holdings', 'results', 'tries', 'heard'])
      local.prepare(`delete from ${table} where event = ?`).run(event)
  })

  return {
    /** The lease began, or was renewed, at `since` or later; milliseconds since 1970 by this host's clock. */
    hold: (work: Work, since: number): void => void hold.run(keyOf(work), work.receipt, since),
    /** It is in other hands, or will be: this host's next start must not give it back. */
    letGo: (work: Work): void => void letGo.run(keyOf(work)),
    /** It was given back because this host stops, which is no failure of the work. */
    giveBack: (work: Work): void => {
      letGo.run(keyOf(work))
      unbegin.run(keyOf(work))
    },
    /** How often it has begun here by now, and was neither done nor given back. */
    begin: (work: Work): number => begun.get(keyOf(work)) ?? 1,
    /** How often its process has been killed here by now. */
    wasLost: (work: Work): number => lost.get(keyOf(work)) ?? 1,
    resultOf: (work: Work): Kept<Execution, Result> | undefined => {
      const kept = resultOf.get(keyOf(work))
      return kept && { execution: JSON.parse(kept.execution), result: JSON.parse(kept.result) }
    },
    /**
     * Writes a result down so that not even a power cut undoes it; where it took `milliseconds` that are soon spent again, so that
     * a kill does not.
     */
    keepResult: (
      work: Work,
      { execution, result }: Kept<Execution, Result>,
      milliseconds = Number.POSITIVE_INFINITY,
    ): void => {
      const write = () => keepResult.run(keyOf(work), JSON.stringify(execution), JSON.stringify(result))
      if (milliseconds < soonSpent) write()
      else durably(local, write)
    },
    /** It is done. */
    forget: (work: Work): void => forget(keyOf(work)),
  }
}

/** Receipts of what an earlier process of this host held when it died, and still holds: its leases have not run out. */
export const takeLeftovers = (local: Local, lease: number): readonly string[] => {
  const now = Date.now()
  const held = local.prepare<[], { receipt: string; renewed: number }>('select receipt, renewed from holdings').all()
  local.exec('delete from holdings')
  // Past its lease a piece of work may be in other hands by now; they would lose it.
  return held.filter(({ renewed }) => now >= renewed && now - renewed < lease).map(({ receipt }) => receipt)
}
