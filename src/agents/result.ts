import type { Recorded } from '#contracts/envelope'

/** How grave something is that is said. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/** How an execution ended. */
export type Result =
  | { readonly outcome: 'succeeded' }
  | { readonly outcome: 'failed' | 'errored' | 'cancelled'; readonly reason: string }

/** The process of an execution was ended by a signal that this host did not send: nobody knows how it would have ended. */
export type Lost = { readonly outcome: 'lost'; readonly reason: string }

/** What an event asks one agent to do, and how long that may take, in milliseconds. */
export type Task = Recorded<string, { readonly timeout?: number | undefined }>

/** One execution of a task: the delivery says which of several processes that hold it is meant. */
export type Execution = { readonly delivery: number; readonly instance: string }

/** What work is, in the words of the aggregate that asks for it. */
export type Wording<T extends Task, E extends Execution> = {
  /** What an event asks of one agent at its place; undefined where it asks nothing of it. */
  readonly taskIn: (event: Recorded, agent: Agent) => T | undefined
  readonly executionOf: (task: T, holder: Execution) => E
  /** What is done, as people call it. */
  readonly nameOf: (task: T) => string
  /** The commands by which an execution begins, says that it goes on, and says how it ended. */
  readonly commands: { readonly start: string; readonly beat: string; readonly report: string }
  /** The event that is recorded of a report which changed nothing. */
  readonly ignored: string
  /** The event that is recorded where an execution is to begin that is not wanted any more. */
  readonly stopped?: string
}

/** Who takes work, and where. */
export type Agent = { readonly where: string; readonly agent: string }
