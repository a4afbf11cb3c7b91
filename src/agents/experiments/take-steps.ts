import { Fault, reasonOf } from '#bus/fault'
import { patiently } from '#bus/patience'
import type { StepPhase } from '#contracts/experiment'
import type { Made, Results, ScheduledStep, StepExecution } from '#contracts/experiment-parts'
import type { KnownExperiment, Source } from '#contracts/experiment-state'
import type { ResourceDefinition } from '#contracts/resource'
import type { Hosted, Hosting } from '../hosting.ts'
import { typed } from '../machines/quote.ts'
import { openOutput } from '../output.ts'
import type { Agent, LogLevel } from '../result.ts'
import { tell } from '../tell.ts'
import { work } from '../worker.ts'
import { type Heard, heardOf } from './heard-until.ts'
import { readExperiment } from './read-experiment.ts'
import { inExperiments, type StepResult, type StepTask } from './step-work.ts'

/** What whoever takes a step is given. */
export type Given = {
  readonly step: ScheduledStep
  readonly execution: StepExecution
  /** The experiment's id, and its project. */
  readonly id: string
  readonly project: string
  /** As it is when the step begins. */
  readonly experiment: KnownExperiment
  /** What its present attempt builds, and for what. */
  readonly plan: { readonly source: Source; readonly resource: ResourceDefinition }
  /** Says a line to whoever follows the experiment; `printed` is called once it is stored. */
  readonly say: (line: string, level?: LogLevel, printed?: () => void) => void
  readonly heard: Heard
  /** Resolves once what was said is stored, or after a while. */
  readonly stored: () => Promise<void>
  /** Says which command is run now, as somebody would type it. */
  readonly run: (words: readonly string[]) => void
  /** Says what it is at, and why it does not go on at present where something is tried again. */
  readonly phase: (phase: StepPhase, reason?: string) => void
  /** Aborts where the step is to end before its time, whatever the reason is. */
  readonly signal: AbortSignal
  /** Aborts where this host stops: what is under way elsewhere is left there, and found again. */
  readonly leaving: AbortSignal
}

/** What came of a step; a fault says no, anything else broke. */
export type Taken = Made | { readonly failed: string; readonly results?: Results | undefined }

/** Takes one kind of step. */
export type TakeStep = (given: Given) => Promise<Taken>

type Taking = Pick<Hosting, 'bus' | 'host' | 'instance' | 'local' | 'log'> & Pick<Hosted, 'outbox' | 'signal'>

/**
 * Takes the steps that an agent is asked for, until the signal aborts. `drop` is told of a step that is not to be taken any longer,
 * so that nothing of it is left behind.
 */
export const takeSteps = (
  { bus, host, instance, local, log, outbox, signal }: Taking,
  agent: Agent,
  take: TakeStep,
  { drop, concurrency = 1 }: { readonly drop?: (step: StepTask) => Promise<void>; readonly concurrency?: number } = {},
): Promise<void> => {
  const say = (message: string) => log('info', message)
  return work<StepTask, StepExecution, StepResult>(
    {
      ...{ bus, host, instance, local, outbox, say, signal, concurrency, drop },
      wording: inExperiments,
      execute: (task, execution, abort) => {
        const heard = heardOf(local, task.id, agent)
        return execute({ bus, log, signal, heard }, take, task, execution, abort)
      },
    },
    agent,
  )
}

const execute = async (
  { bus, log, signal, heard }: Pick<Taking, 'bus' | 'log' | 'signal'> & { readonly heard: Heard },
  take: TakeStep,
  task: StepTask,
  execution: StepExecution,
  abort: AbortSignal,
): Promise<StepResult> => {
  const { address, data: step } = task
  const { scope: project, key: id } = address
  const { part, attempt, delivery } = execution
  const output = openOutput({
    bus,
    about: { scope: project, key: id, part, attempt, delivery, step: step.step },
    signal,
  })
  const about = { experiment: id, part, step: step.step }
  const say: Given['say'] = (line, level = 'info', printed) => {
    if (output.add(level, line, undefined, printed)) log(level === 'info' ? 'debug' : level, line, about)
  }
  const over = new AbortController()
  const turning = AbortSignal.any([abort, over.signal])
  /** In turn, so that the last one said is the last one heard; what the experiment refuses is past. */
  let turned: Promise<unknown> = Promise.resolve()
  const phase: Given['phase'] = (phase, reason) => {
    const teller = { bus, wording: inExperiments, say: (line: string) => log('info', line) }
    const asked = () => tell(teller, task, 'experiment.turn-step', { ...execution, phase, reason }, turning)
    turned = turned.then(asked).catch(() => undefined)
  }
  try {
    const experiment = await patiently(() => readExperiment(bus, address), abort)
    if (!experiment?.plan) return { outcome: 'failed', reason: `${id} is not being developed` }
    const run = (words: readonly string[]) => say(`$ ${words.map(typed).join(' ')}`)
    const { plan } = experiment
    const taken = await take({
      ...{ step, execution, id, project, experiment, plan, say, heard, stored: output.stored, run, phase },
      ...{ signal: abort, leaving: signal },
    })
    if (!('failed' in taken)) return { outcome: 'succeeded', made: taken }
    if (!abort.aborted) say(taken.failed, 'error')
    return { outcome: 'failed', reason: taken.failed, ...(taken.results && { results: taken.results }) }
  } catch (cause) {
    const reason = reasonOf(abort.aborted ? abort.reason : cause)
    if (!abort.aborted) say(reason, 'error')
    return cause instanceof Fault ? { outcome: 'failed', reason, code: cause.code } : { outcome: 'errored', reason }
  } finally {
    over.abort() // A result is not kept waiting until the experiment has heard at what its step was last.
    await output.end()
  }
}
