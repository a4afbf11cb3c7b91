import type { Bus } from '#bus/bus'
import { type Asked, commandFrom } from '#bus/command'
import type { Owner } from '#bus/handle'
import { patiently } from '#bus/patience'
import type { Recorded } from '#contracts/envelope'

type Given<State> = {
  readonly bus: Bus
  readonly owner: Owner<State>
  /** The scope whose timers are waited for. */
  readonly scope: string
  /** What is to be checked because a time has come; undefined where nothing is. */
  readonly dueIn: (event: Recorded) => Asked | undefined
  readonly say: (message: string) => void
  readonly signal: AbortSignal
}

/**
 * Tells an owner that a time has come, until `signal` aborts. A timer fires once or more, and perhaps long after its time: it is a
 * command to check, and the aggregate decides what still matters.
 */
export const tellWhenDue = <State>({ bus, owner, scope, dueIn, say, signal }: Given<State>): Promise<void> =>
  bus.timers(
    scope,
    async (event) => {
      const due = dueIn(event)
      if (!due) return
      const command = commandFrom({ ...due, causedBy: event }, bus.principal)
      await patiently(
        () => owner.handle(due.address, command),
        signal,
        (reason) => say(`${event.type} of ${scope} can't be looked at for now: ${reason}`),
      )
    },
    signal,
  )
