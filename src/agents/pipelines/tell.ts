import { type Asked, askAnyway, uuidv7 } from '#bus/command'
import type { Answer } from '#bus/handle'
import { patiently } from '#bus/patience'
import type { Lost, Result } from './messages.ts'
import type { Execution } from './run.ts'
import type { Scheduled, Worker } from './worker.ts'

/** How often a worker says that it is still at work, in milliseconds; well within the lease. */
export const beatEvery = 5_000

type Teller = Pick<Worker, 'bus' | 'say' | 'signal'>

/** Executes while beating; undefined where a beat was refused. Nobody answering is no refusal. */
export const withBeats = async (
  worker: Teller & Pick<Worker, 'execute'>,
  event: Scheduled,
  execution: Execution,
): Promise<Result | Lost | undefined> => {
  const refused = new AbortController()
  const beat = async () => {
    const answer = await askAnyway(worker.bus, askedOf(event, 'run.beat-node', execution, uuidv7()), {
      timeout: beatEvery,
    }).catch(() => undefined)
    if (answer && !answer.accepted) refused.abort(new Error(answer.detail))
  }
  const beats = setInterval(() => void beat(), beatEvery)
  try {
    const result = await worker.execute(event, execution, AbortSignal.any([worker.signal, refused.signal]))
    return refused.signal.aborted ? undefined : result
  } finally {
    clearInterval(beats)
  }
}

/** Asks the run's owner until it answers, with one id: asked twice, it gives its first answer. */
export const tell = (
  worker: Teller,
  event: Scheduled,
  type: string,
  data: object,
  signal: AbortSignal,
): Promise<Answer> => {
  const id = uuidv7()
  return patiently(
    () => askAnyway(worker.bus, askedOf(event, type, data, id)),
    signal,
    (reason) =>
      worker.say(
        `${event.data.part} waits for the owner of run ${event.address.scope}/${event.address.key}: ${reason}`,
      ),
  )
}

const askedOf = (event: Scheduled, type: string, data: object, id: string): Asked => ({
  address: event.address,
  type,
  data,
  id,
  causedBy: event,
})
