import type { Local } from '../local.ts'
import type { Agent } from '../result.ts'

/** Up to when a step's program was heard, kept until the step is done: whoever takes it again goes on behind that. */
export type Heard = {
  /** The time of the last line that is stored, as the engine noted it; undefined where there is none. */
  readonly until: () => string | undefined
  /** A line of that time is stored. An earlier time than the one that is kept changes nothing. */
  readonly note: (time: string) => void
}

/** What this host keeps of the work that an event asked an agent for; see `openHoldings`, which forgets it. */
export const heardOf = (local: Local, event: string, { where, agent }: Agent): Heard => {
  const key = `${event} ${where}/${agent}`
  const read = local.prepare<[string], string>('select until from heard where event = ?').pluck()
  const write = local.prepare(
    `insert into heard (event, until) values (?, ?)
     on conflict (event) do update set until = max(until, excluded.until)`,
  )
  return { until: () => read.get(key), note: (time) => void write.run(key, time) }
}
