import type { Definition, HandleOf, Kinds, Watched } from './definition.ts'
import type { InputFile } from './handles.ts'

export type { Definition, Measured, MetricTrigger, StoreKind, Trigger } from './definition.ts'

type Say = (message: string, more?: Readonly<Record<string, unknown>>) => void

/** What an action is given. */
export type Context<Stores extends Kinds = Kinds> = {
  readonly run: {
    /** The pipeline that the run belongs to, and the run's number there. */
    readonly pipeline: string
    readonly number: number
    /** The run that this one repeats, where it does. */
    readonly repeats?: number
    /**
     * The number of the run in which a node, `<pipeline>/<node>` or one of this pipeline, was executed: this run's own, or that
     * of the run whose results are reused. What a node calls by its run's number is found by this one. Throws where this
     * pipeline has no such action.
     */
    readonly numberOf: (node: string) => number
    /** Which try of this node it is, from 1. */
    readonly attempt: number
    /** The fresh artifacts of this pipeline's watched stores that the run was offered. */
    readonly inputs: { readonly [Name in Watched<Stores>]: readonly InputFile[] }
  }
  readonly stores: { readonly [Name in keyof Stores]: HandleOf<Stores[Name]> }
  readonly log: { readonly debug: Say; readonly info: Say; readonly warn: Say; readonly error: Say }
  /** Says how far it has come: `done` of `of`, where that is known. Shown while it runs, and in its log. */
  readonly progress: (done: number, of?: number, message?: string) => void
  /** Aborts when the execution must stop. */
  readonly signal: AbortSignal
}

/** How often an action that broke is tried again: so often, or with these delays in milliseconds. */
export type RetryOption =
  | number
  | {
      readonly times: number
      /** Before the first retry; 1,000 unless said otherwise. */
      readonly delay?: number
      /** Each delay is so many times the one before; 2 unless said otherwise. */
      readonly factor?: number
      /** No delay is longer; 60,000 unless said otherwise. */
      readonly most?: number
    }

/** A program and its arguments, as they are: no shell comes between. */
export type Exec =
  | readonly string[]
  | {
      readonly command: readonly string[]
      /** Where it runs; the config's folder unless said otherwise. */
      readonly cwd?: string
      /** Added to the environment that the host has. */
      readonly env?: Readonly<Record<string, string>>
    }

export type ActionOptions<Store extends string = string> = {
  /** The nodes before it: of this pipeline by name, of another as `<pipeline>/<node>`. */
  readonly after?: readonly (Store | (string & {}))[]
  /** Nodes of other pipelines behind it, as `<pipeline>/<node>`. */
  readonly next?: readonly string[]
  readonly description?: string
  /** `any`: it starts as soon as one action before it has succeeded; all of them must unless this is said. */
  readonly join?: 'all' | 'any'
  /** Tries again what threw or took too long; what said no is not asked again. */
  readonly retry?: RetryOption
  /** How long one execution may take, in milliseconds; then it is stopped and has broken. */
  readonly timeout?: number
  /** How many executions there may be at once, over all runs and hosts; 1 unless said otherwise. */
  readonly concurrency?: number
}

/** What an action does, step by step. Whatever happens, `after` comes last; a step that throws is the action's error. */
export type Steps<Given, Execute> = {
  /** Prepares; where it throws, `execute` is not called. */
  readonly before?: (given: Given) => unknown
  readonly onSuccess?: (given: Given) => unknown
  /** It said no. */
  readonly onFailure?: (given: Given, reason: string) => unknown
  /** It threw. */
  readonly onError?: (given: Given, reason: unknown) => unknown
  readonly after?: (given: Given) => unknown
} & Execute

/**
 * What it does itself. Returning `false` or `{ failed: reason }` says that it failed; throwing, that it broke; a text is kept
 * as its message.
 */
type Execute<Given> = { readonly execute: (given: Given) => unknown }

/** A job: a function, or a program, with what is to be done around it. */
export type Action = ActionOptions & {
  readonly kind: 'action'
  readonly exec?: Exec
  readonly steps: Steps<Context, Partial<Execute<Context>>>
}

/** What is written behind the options of an action: a function alone, or all its steps; a program needs neither. */
export type Does<Given, Options> = Options extends { readonly exec: Exec }
  ? [steps?: Steps<Given, unknown>]
  : [execute: Execute<Given>['execute'] | Steps<Given, Execute<Given>>]

export type PipelineOptions = {
  /** How many of its runs may be under way at once; 1 unless said otherwise. */
  readonly concurrency?: number
  /** How long a run may take, whatever it waits for, in milliseconds; seven days unless said otherwise. */
  readonly deadline?: number
}

export type Pipeline<
  Name extends string = string,
  Stores extends Kinds = Kinds,
  Actions extends Readonly<Record<string, Action>> = Readonly<Record<string, Action>>,
> = PipelineOptions & { readonly name: Name; readonly stores: Stores; readonly actions: Actions }

/** The qualified names of a pipeline's stores of one kind. */
export type StoreName<P extends Pipeline, Kind extends Definition['kind']> = {
  [Name in keyof P['stores'] & string]: P['stores'][Name] extends { kind: Kind } ? `${P['name']}/${Name}` : never
}[keyof P['stores'] & string]
