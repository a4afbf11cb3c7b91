import type { CloudLink } from './cloud-link.ts'
import type { Deed } from './experiment-deeds.ts'
import type { Made, Results, StepExecution, StepName } from './experiment-parts.ts'
import type { ResourceDefinition } from './resource.ts'

/** What an experiment knows of one step of one part. */
export type Step = {
  readonly state: 'scheduled' | 'running' | 'succeeded' | 'failed' | 'cancelled'
  readonly agent: string
  readonly try: number
  readonly run?: number | undefined
  readonly duration?: number | undefined
  readonly delivery: number
  readonly instance: string
  readonly host: string
  readonly phase: string
  /** Why it is told to stop, if it is. */
  readonly stopping?: string | undefined
  /** Whether it is failed only because nobody has said anything for too long. */
  readonly silent?: boolean | undefined
  /** The result that was accepted, so that a second delivery of it is known. */
  readonly outcome?: string | undefined
  readonly reason?: string | undefined
  /** The kind of fault that it failed for, where that is known. */
  readonly code?: string | undefined
  readonly made?: Made | undefined
  readonly results?: Results | undefined
}

export type Part = Partial<Readonly<Record<StepName, Step>>>

/** How far a site has come: what mode and status say of it. */
export const stages = ['idle', 'development', 'testbed', 'ready', 'submitted'] as const
export type Stage = (typeof stages)[number]

/** An experiment at one of its sites, in its present attempt. */
export type Site = {
  readonly stage: Stage
  readonly builder: 'site-server' | 'command'
  /** Its end nodes there, each as `<site>/<node>`. */
  readonly nodes: readonly string[]
  /** Whether it has been run there. */
  readonly hasRun: boolean
}

/** Where it comes from, as git is told. */
export type Source = { readonly link: string; readonly ref?: string | undefined }

type Known = {
  readonly name: string
  readonly creator: string
  readonly experimenters: readonly string[]
  readonly source: Source
  readonly resource: ResourceDefinition
  readonly cloudLink?: CloudLink | undefined
  readonly approval: 'not-asked' | 'asked' | 'given' | 'declined'
  /** Who has declined it, and why, until that is answered. */
  readonly declined?: string | undefined
  /** The present attempt, from 1; it has begun where there are sites. */
  readonly attempt: number
  /** What the present attempt builds, and for what. */
  readonly plan?: { readonly source: Source; readonly resource: ResourceDefinition } | undefined
  readonly sites: Readonly<Record<string, Site>>
  readonly parts: Readonly<Record<string, Part>>
  /** How often a step of a part has been asked for in the present attempt, by `<part> <step>`. */
  readonly tries: Readonly<Record<string, number>>
  /** The last run of the present attempt, 0 where there is none. */
  readonly run: number
  /** Who has asked for what of it, by the names that `deed` gives. */
  readonly deeds: Readonly<Record<string, Deed>>
  /** Executions whose late reports have been recorded as ignored. */
  readonly ignored: readonly string[]
}

export type Experiment = { readonly status: 'unknown' } | (Known & { readonly status: 'open' | 'archived' })
export type KnownExperiment = Exclude<Experiment, { readonly status: 'unknown' }>

/** Under which name it is counted how often a step has been asked for. */
export const triesOf = (part: string, step: StepName): string => `${part} ${step}`

/** Whether this execution is the one that the step was last started as. */
export const isOf = (step: Step, { agent, try: tries, delivery, instance }: StepExecution): boolean =>
  step.agent === agent && step.try === tries && step.delivery === delivery && step.instance === instance

/** Names an execution, to tell its report from others. */
export const nameOf = ({ part, step, agent, attempt, try: tries, delivery, instance }: StepExecution): string =>
  [part, step, agent, attempt, tries, delivery, instance].join(' ')
