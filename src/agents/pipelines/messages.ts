import type { LogLevel } from '../result.ts'

/** What a host and the process that runs a user's function say to each other. */

/** Tells whoever looks at the host's log something; as `info`, unless it says how grave that is. */
export type Say = (message: string, level?: LogLevel) => void

/** What a function is to be run for. */
export type Assignment = {
  readonly kind: 'run'
  readonly node: string
  readonly run: {
    readonly pipeline: string
    readonly number: number
    readonly attempt: number
    readonly repeats?: number
    /** Nodes that are not executed in this run, and the number of the run whose results stand for them. */
    readonly reused?: Readonly<Record<string, number>>
  }
  /** What the run was offered, by store. */
  readonly inputs: Readonly<Record<string, readonly Described[]>>
  /** The line that is written to both outputs behind all else, where the process can be used again. */
  readonly mark: string
}

/** An artifact on this machine. */
export type Described = { readonly path: string; readonly digest: string; readonly size: number; readonly file: string }

export type ToRunner =
  | Assignment
  | { readonly kind: 'abort' }
  | {
      readonly kind: 'reply'
      readonly call: number
      readonly value?: unknown
      readonly fault?: { readonly code: string; readonly message: string }
    }

export type FromRunner =
  | { readonly kind: 'ready' }
  | {
      readonly kind: 'call'
      readonly call: number
      readonly node: string
      readonly verb: string
      readonly args: unknown
    }
  | {
      readonly kind: 'log'
      readonly level: LogLevel
      readonly message: string
      readonly more?: Readonly<Record<string, unknown>>
    }
  | { readonly kind: 'turned'; readonly phase: Phase }
  | { readonly kind: 'ended'; readonly result: Result; readonly again: boolean }

/** Where in its steps an action is. */
export type Phase = 'preparing' | 'running' | 'cleaning-up'

/** How an execution of a function ended. */
export type Result =
  | { readonly outcome: 'succeeded'; readonly message?: string }
  | { readonly outcome: 'failed' | 'errored' | 'cancelled'; readonly reason: string }
