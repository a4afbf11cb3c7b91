import type { CloudLink } from '#contracts/cloud-link'
import type { Made, Results, StepName } from '#contracts/experiment-parts'
import type { SubState } from '#contracts/experiment-standing'
import type { Source, Stage } from '#contracts/experiment-state'
import type { WaitedFor } from '#contracts/experiment-waits'
import type { ResourceDefinition } from '#contracts/resource'

/** What the web process answers about experiments, as the console calls it. `/openapi.json` has all of it. */
export type Command = { readonly type: string; readonly data: Readonly<Record<string, unknown>> }

/** What an experiment waits for; machines have no command. */
export type Wait = {
  readonly waitsFor: WaitedFor
  readonly what: string
  readonly part?: string | null
  readonly step?: StepName | null
  readonly reason?: string | null
  readonly command?: Command | null
  readonly needs?: ResourceDefinition | null
}

/** The same as it stands in the inbox and with its experiment: since when, and why it can't be done where it can't. */
export type Waiting = Wait & {
  readonly experiment: string
  readonly project: string
  readonly wait: string
  readonly at: string
  readonly unmet: string | null
  /** What people call the experiment, in the inbox. */
  readonly name?: string
}

export type Experiment = {
  readonly experiment: string
  readonly project: string
  readonly name: string
  readonly description: string
  readonly creator: string
  readonly experimenters: readonly string[]
  readonly mode: string
  readonly status: string
  readonly subState: SubState
  readonly failedStep: StepName | null
  readonly failedPart: string | null
  readonly reason: string | null
  readonly sites: readonly string[]
  readonly nodes: readonly string[]
  readonly attempt: number
  readonly run: number
  readonly approval: string
  readonly waitsFor: WaitedFor | null
  readonly waits: Wait | null
  readonly source: Source
  readonly resource: ResourceDefinition
  readonly cloudLink: CloudLink | null
  readonly commit: string | null
  readonly cloneOf: string | null
  readonly state: string
  readonly createdAt: string
  readonly changedAt: string
  /** When a host was last heard that takes a step of it and is away; null where all are there. */
  readonly heardUntil: string | null
}

type Standing = {
  readonly step: StepName | null
  readonly image: string | null
  readonly compose: string | null
}

/** A site, an end node, or the portal, with what it is asked to be and what it says it is. */
export type Part = {
  readonly part: string
  readonly site: string
  readonly node: string | null
  readonly stage: Stage | null
  readonly subState: SubState
  readonly step: StepName | null
  readonly state: string | null
  readonly phase: string | null
  readonly host: string | null
  readonly failedStep: StepName | null
  readonly reason: string | null
  readonly desired: Standing & { readonly run: number | null; readonly stop: boolean }
  readonly reported: Standing & {
    readonly state: string | null
    readonly phase: string | null
    readonly exitCode: number | null
  }
  readonly results: Results | null
  readonly at: string
  readonly heardUntil: string | null
  /** Which host that is. */
  readonly away: string | null
}

/** One execution of one step. */
export type Step = {
  readonly part: string
  readonly step: StepName
  readonly attempt: number
  readonly try: number
  readonly delivery: number
  readonly run: number | null
  readonly agent: string
  readonly host: string | null
  readonly outcome: 'scheduled' | 'running' | 'succeeded' | 'failed' | 'errored' | 'cancelled' | 'superseded'
  readonly reason: string | null
  readonly made: Made | null
  readonly results: Results | null
  readonly askedAt: string
  readonly startedAt: string | null
  readonly endedAt: string | null
}

export type ExperimentDetail = Experiment & {
  readonly parts: readonly Part[]
  readonly waiting: readonly Waiting[]
  readonly steps: readonly Step[]
  readonly composeFiles: readonly {
    readonly site: string
    readonly image: string
    readonly digest: string
    readonly compose: string
  }[]
  readonly roles: readonly string[]
  /** What whoever asks may ask of it, whatever its state. */
  readonly commands: readonly string[]
}

/** Something that was decided. */
export type Decided = {
  readonly position: string
  readonly type: string
  readonly what: string
  readonly principal: string
  readonly reason: string | null
  readonly part: string | null
  readonly attempt: number | null
  readonly at: string
}
