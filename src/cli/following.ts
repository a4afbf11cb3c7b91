import { stepLogsOf } from '#client/experiment-logs'
import type { StepName } from '#contracts/experiment-parts'
import type { Step } from '#contracts/experiment-state'
import { exitCode } from './exit.ts'
import { textOf } from './experiment-logs.ts'
import { print } from './print.ts'
import type { Session } from './session.ts'

type Followed = {
  readonly id: string
  readonly part: string
  readonly step: StepName
  /** Where what it prints begins: what lies before is of an earlier time that it was taken. */
  readonly after: number
}

/** Where what an experiment has printed until now ends. */
export const endOfOutput = async ({ bus, signal }: Session, id: string): Promise<number> => {
  let end = 0
  for await (const { place } of stepLogsOf(bus, id, { signal })) end = place
  return end
}

/**
 * Prints what a step prints until it has ended, however often it was begun anew; sets the exit code where it did not succeed.
 * Resolves with how it ended.
 */
export const followStep = async (
  { bus, client, signal }: Session,
  { id, part, step, after }: Followed,
): Promise<Step | undefined> => {
  const { experiment, events } = await client.experiments.get(id)
  const over = new AbortController()
  const until = AbortSignal.any([signal, over.signal])
  const { attempt } = experiment
  let shown = after
  const show = async (follow: boolean, signal: AbortSignal) => {
    for await (const line of stepLogsOf(bus, id, { part, step, attempt, follow, after: shown, signal })) {
      print(textOf(line))
      shown = line.place
    }
  }
  const printing = show(true, until)
  let ended = stepIn(experiment.parts[part]?.[step])
  const look = async () => {
    const { experiment: now } = await client.experiments.get(id)
    ended = now.attempt === attempt ? stepIn(now.parts[part]?.[step]) : { ...gone }
    if (ended) over.abort()
  }
  if (ended) over.abort()
  await client.experiments
    .follow(id, events.at(-1)?.sequence ?? 0, () => void look().catch(() => undefined), until)
    .catch(unlessOver(until))
  await printing.catch(unlessOver(until))
  await show(false, signal) // What it printed last may not have been there yet.
  if (ended?.state !== 'succeeded') process.exitCode = exitCode.unsuccessful
  return ended
}

const gone = { state: 'cancelled', reason: 'The attempt was terminated' } as Step

/** The step, once it has ended. */
const stepIn = (step: Step | undefined): Step | undefined =>
  step && step.state !== 'scheduled' && step.state !== 'running' ? step : undefined

const unlessOver = (signal: AbortSignal) => (cause: unknown) => {
  if (!signal.aborted) throw cause
}
