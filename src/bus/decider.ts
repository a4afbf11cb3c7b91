import type { Recorded } from '#contracts/envelope'
import type { Address } from '#contracts/subjects'

/** Another aggregate as it is at the time of a decision, and the version that an append to it must expect. */
export type Near = { readonly address: Address; readonly events: readonly Recorded[]; readonly version: number }

/** Events of another aggregate that must be recorded together with the decision. */
export type Also = {
  readonly address: Address
  readonly expectedVersion: number
  readonly events: readonly { readonly type: string; readonly data: unknown }[]
}

/** What a command led to: events, none where it already holds, or a refusal that records nothing. */
export type Decision<Event> =
  | {
      readonly accepted: true
      readonly events: readonly Event[]
      readonly also?: readonly Also[]
      /** What whoever asks is to know besides. It is not recorded: asked once more, it is not said again. */
      readonly note?: string | undefined
    }
  | { readonly accepted: false; readonly refusal: string; readonly detail: string }

/** A command as a decider gets it. */
export type Commanded<Command> = Command & {
  readonly id: string
  readonly key: string
  readonly scope: string
  /** Who asks. */
  readonly principal: string
  /** When it came, in milliseconds since 1970 by the owner's clock. */
  readonly at: number
}

/** How one kind of aggregate decides: pure, no clock, no I/O, no exceptions. */
export type Decider<State, Command, Event> = {
  readonly aggregate: string
  readonly initial: State
  readonly evolve: (
    state: State,
    event: Event & { readonly position: string; readonly principal: string; readonly storedAt: number },
  ) => State
  readonly decide: (command: Commanded<Command>, state: State, near: readonly Near[]) => Decision<Event>
  /** Other aggregates that a decision must agree with: they are read for it, and it may record events of them beside its own. */
  readonly near?: (command: Commanded<Command>, state: State) => readonly Address[]
}

/** Records events; without any, says that what was asked for already holds. */
export const accept = <Event>(...events: readonly Event[]): Decision<Event> => ({ accepted: true, events })

/** Refuses: a word for programs and a sentence for people. */
export const refuse = (refusal: string, detail: string): Decision<never> => ({ accepted: false, refusal, detail })
