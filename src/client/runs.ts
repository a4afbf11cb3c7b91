import type { Bus } from '#bus/bus'
import type { Answer } from '#bus/handle'
import type { Preview } from '#contracts/repetition'
import { order, read, readAnywhere } from './asking.ts'
import { endOf, onceTold } from './ending.ts'
import { metadataPipeline } from './known.ts'
import { type LogLine, type LogsOptions, logsOf } from './logs.ts'
import { type RunName, runNamed } from './naming.ts'
import { knownOptions } from './options.ts'
import { type Page, type Paging, type Seen, said } from './page.ts'
import { previewOf, type RerunOptions, repetitionOf } from './repeating.ts'
import type { NodeRow, RunRow, RunState } from './rows.ts'
import { type Started, started } from './starting.ts'

export type RunFilters = Paging & {
  /** Only those of this pipeline. */
  readonly pipeline?: string | undefined
  readonly state?: RunState | undefined
  /** Why it began: `files`, `request`, `metric` or `rerun`. All runs are looked through for it, so no cursor is given. */
  readonly trigger?: string | undefined
}

export type StartOptions = {
  readonly pipeline?: string | undefined
  readonly message?: string | undefined
  /** Waits for the run's number until this aborts, rather than for a moment: for a slot that is not free. */
  readonly signal?: AbortSignal | undefined
}

type Reason = { readonly reason?: string | undefined }

/** Runs: what they are, and what can be asked of them. A refusal is an answer, with the reason; nothing is recorded then. */
export type Runs = {
  /** Runs, newest first. */
  readonly list: (filters?: RunFilters) => Promise<Page<RunRow>>
  /** One run, with its nodes. */
  readonly get: (run: RunName, seen?: Seen) => Promise<RunRow & { readonly nodes: readonly NodeRow[] }>
  /** Asks for a run, whatever has arrived. Says which run it became, or none while it is queued for a slot. */
  readonly start: (options?: StartOptions) => Promise<Started>
  /** Ends a run: what is executed is stopped, and nothing else begins. Accepted, it may go on for a while: see `wait`. */
  readonly cancel: (run: RunName, options?: Reason) => Promise<Answer>
  /** Lets no further node begin; what is being executed goes on to its end. */
  readonly pause: (run: RunName, options?: Reason) => Promise<Answer>
  /** Lets what was held back begin; refused while its pipeline holds it back. */
  readonly resume: (run: RunName) => Promise<Answer>
  /** Repeats a run with the same inputs; what is before the nodes that it starts from is not executed again. */
  readonly rerun: (run: RunName, options?: RerunOptions & Omit<StartOptions, 'pipeline'>) => Promise<Started>
  /** Says what a repeated run would execute again and what it would reuse; asks for nothing. */
  readonly preview: (run: RunName, options?: RerunOptions) => Promise<Preview>
  /** What the nodes of a run printed, line by line; `follow` goes on until the run has ended and its last lines have come. */
  readonly logs: (run: RunName, options?: LogsOptions) => AsyncIterable<LogLine>
  /** Resolves with the run once it has ended, however; rejects when `signal` aborts. */
  readonly wait: (run: RunName, options?: WaitOptions) => Promise<RunRow>
}

type WaitOptions = { readonly signal?: AbortSignal | undefined }

const startOptions = knownOptions<StartOptions>('runs.start', { pipeline: true, message: true, signal: true })
const previewOptions = knownOptions<RerunOptions>('runs.preview', { from: true, definition: true })
const rerunOptions = knownOptions<RerunOptions & Omit<StartOptions, 'pipeline'>>('runs.rerun', {
  from: true,
  definition: true,
  message: true,
  signal: true,
})
const waitOptions = knownOptions<WaitOptions>('runs.wait', { signal: true })

export const runsOf = (bus: Bus): Runs => {
  const tell = async (run: RunName, verb: string, data: object): Promise<Answer> => {
    const { pipeline, number } = await runNamed(bus, run)
    return order(bus, pipeline, String(number), `run.${verb}`, data)
  }
  const get: Runs['get'] = async (run, seen = {}) => {
    const { pipeline, number } = await runNamed(bus, run)
    return read(bus, pipeline, 'run', said({ run: number, ...seen }))
  }
  return {
    list: async ({ trigger, ...filters } = {}) => {
      const ask = (more: Paging) => readAnywhere<Page<RunRow>>(bus, undefined, 'runs', said({ ...filters, ...more }))
      return trigger === undefined ? ask({}) : begunBy(trigger, filters.limit ?? 100, ask)
    },
    get,
    start: async (options = {}) => {
      const { pipeline, message, signal } = startOptions(options)
      const scope = pipeline ?? (await metadataPipeline(bus, undefined))
      return started(bus, scope, { type: 'pipeline.start', data: said({ message }) }, signal)
    },
    cancel: (run, options = {}) => tell(run, 'cancel', said(options)),
    pause: (run, options = {}) => tell(run, 'pause', said(options)),
    resume: (run) => tell(run, 'resume', {}),
    rerun: async (run, given = {}) => {
      const { message, signal, ...options } = rerunOptions(given)
      const named = await runNamed(bus, run)
      const repetition = await repetitionOf(bus, named, options)
      return started(bus, named.pipeline, { type: 'pipeline.rerun', data: said({ ...repetition, message }) }, signal)
    },
    preview: async (run, options = {}) => previewOf(bus, await runNamed(bus, run), previewOptions(options)),
    logs: (run, options = {}) => logsOf(bus, run, options),
    wait: async (run, options = {}) => {
      const { signal = new AbortController().signal } = waitOptions(options)
      const named = await runNamed(bus, run)
      const after = await endOf(bus, named, signal)
      return onceTold(() => get(named.name, { after }), signal)
    },
  }
}

/** Runs that began for one reason: the list knows no such filter, so all of it is looked through. */
const begunBy = async (trigger: string, limit: number, ask: (more: Paging) => Promise<Page<RunRow>>) => {
  const items: RunRow[] = []
  for (let cursor: string | undefined; ; ) {
    const page = await ask({ limit: 1_000, cursor })
    items.push(...page.items.filter((run) => run.trigger === trigger))
    cursor = page.next ?? undefined
    if (cursor === undefined || items.length >= limit) return { ...page, items: items.slice(0, limit), next: null }
  }
}
