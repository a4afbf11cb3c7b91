import type { Bus } from '#bus/bus'
import { reasonOf } from '#bus/fault'
import { splitPart } from '#contracts/names'
import { serviceOf } from '#contracts/subjects'
import type { LogLevel } from '../result.ts'
import type { Offerable } from './arrivals.ts'
import type { Listed } from './handles.ts'
import type { Measured, MetricTrigger, Trigger } from './shape.ts'

/** What a condition comes to: that a run may start, with a message if it has one, or what is missing, if it says. */
export type Verdict =
  | { readonly holds: true; readonly message?: string }
  | {
      readonly holds: false
      readonly reason?: string
      /** Whether the condition itself is wrong: whoever wrote it must do something. */
      readonly mistaken?: boolean
    }

/** How grave it is for a host's log that a condition does not hold. */
export const levelOf = (mistaken?: boolean): LogLevel => (mistaken ? 'warn' : 'info')

/** How much of what a condition says is kept, in characters: it is recorded with each run, and in one message with others. */
const mostSaid = 2_000

const short = (text: string): string => (text.length > mostSaid ? `${text.slice(0, mostSaid)} …` : text)

const mistake = (reason: string): Verdict => ({ holds: false, reason: short(reason), mistaken: true })

/** Asks a user's condition. One that throws does not hold, and that is its reason. */
const verdictOf = (ask: () => ReturnType<Trigger | MetricTrigger>): Verdict => {
  try {
    const said = ask()
    if (typeof said === 'string') return { holds: false, reason: short(said) }
    if (typeof said === 'boolean') return { holds: said }
    if (typeof (said as { start?: unknown } | null)?.start === 'string')
      return { holds: true, message: short(said.start) }
    return mistake('its condition gives neither true, false, a text nor { start: message }')
  } catch (cause) {
    return mistake(`its condition threw: ${reasonOf(cause)}`)
  }
}

/** Whether files that have arrived may start a run; any will do where nothing is said. None never do. */
export const judgeFiles = (trigger: Trigger | undefined, fresh: readonly Listed[]): Verdict => {
  if (fresh.length === 0) return { holds: false }
  return trigger ? verdictOf(() => trigger({ fresh })) : { holds: true }
}

/** Whether a number that was logged asks for a run. */
export const judgeMetric = (trigger: MetricTrigger, measured: Measured): Verdict => verdictOf(() => trigger(measured))

type Judge = {
  readonly bus: Bus
  /** Conditions of the stores that this host runs. */
  readonly triggers: ReadonlyMap<string, Trigger>
  /** Whether a store of another host has a condition. */
  readonly hasCondition: (resource: string) => boolean
}

/** Whether what has arrived at a resource may start a run: its own host is asked where this one doesn't know. */
export const conditionOf =
  ({ bus, triggers, hasCondition }: Judge) =>
  async ({ offer: { resource, after, upTo }, fresh }: Offerable): Promise<Verdict> => {
    const trigger = triggers.get(resource)
    if (trigger || fresh.length === 0 || !hasCondition(resource)) return judgeFiles(trigger, fresh)
    const { pipeline, node } = splitPart(resource)
    try {
      const subject = serviceOf(pipeline, node, 'condition', bus.principal)
      return (await bus.request(subject, { after, upTo }, { timeout: 5_000 })) as Verdict
    } catch (cause) {
      return { holds: false, reason: `its host can't be asked for its condition: ${reasonOf(cause)}` }
    }
  }
