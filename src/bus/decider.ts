import type { Address } from '#contracts/subjects'

/** Events of another aggregate that must be recorded together with the decision. */
export type Also = {
  readonly address: Address
  readonly expectedVersion: number
  readonly events: readonly { readonly type: string; readonly data: unknown }[]
}

/** What a command led to: events, none where it already holds, or a refusal that records nothing. */
export type Decision<Event> =
  | { readonly accepted: true; readonly events: readonly Event[]; readonly also?: readonly Also[] }
  | { readonly accepted: false; readonly refusal: string; readonly detail: string }

/** A command as a decider gets it. */
export type Commanded<Command> = Command & { readonly id: string; readonly key: string; readonly scope: string }

/** How one kind of aggregate decides: pure, no clock, no I/O, no exceptions. */
export type Decider<State, Command, Event> = {
  readonly aggregate: string
  readonly initial: State
  readonly evolve: (state: State, event: Event & { readonly position: string }) => State
  readonly decide: (command: Commanded<Command>, state: State) => Decision<Event>
}

/** Records events; without any, says that what was asked for already holds. */
export const accept = <Event>(...events: readonly Event[]): Decision<Event> => ({ accepted: true, events })

/** Refuses: a word for programs and a sentence for people. */
export const refuse = (refusal: string, detail: string): Decision<never> => ({ accepted: false, refusal, detail })
