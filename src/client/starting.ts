import type { Bus } from '#bus/bus'
import { uuidv7 } from '#bus/command'
import type { Answer } from '#bus/handle'
import { knownIn } from '#contracts/all'
import { sequenceOf } from '#contracts/names'
import type { PipelineEvent } from '#contracts/pipeline'
import { historyOf } from '#contracts/subjects'
import { order } from './asking.ts'

/** What a run that was asked for came to. */
export type Started =
  | {
      readonly accepted: true
      /** Names the request: it can be withdrawn while no run has answered it. */
      readonly request: string
      readonly position: string
      /** The run, as `<pipeline>/<number>`; none while it is queued until a slot is free. */
      readonly run?: string
      /** Why no run will come of it, where that was found within the same moment. */
      readonly dropped?: string
    }
  | Extract<Answer, { readonly accepted: false }>

/** How long a run that was asked for may take to get its number, in milliseconds: one that waits for a slot takes longer. */
const numberedWithin = 3_000

type Asked = { readonly type: 'pipeline.start' | 'pipeline.rerun'; readonly data: object }

/** Asks a pipeline for a run, and waits for its number: a moment, or until `signal` aborts. */
export const started = async (
  bus: Bus,
  pipeline: string,
  { type, data }: Asked,
  signal: AbortSignal = AbortSignal.timeout(numberedWithin),
): Promise<Started> => {
  const request = uuidv7()
  const answer = await order(bus, pipeline, 'self', type, data, request)
  if (!answer.accepted) return answer
  const position = answer.position as string // A request is always recorded.
  return { accepted: true, request, position, ...(await becameOf(bus, pipeline, { request, after: position }, signal)) }
}

/** What a request became: a run, or nothing, with the reason; neither where it is queued. */
const becameOf = async (
  bus: Bus,
  pipeline: string,
  { request, after }: { readonly request: string; readonly after: string },
  signal: AbortSignal,
) => {
  const done = new AbortController()
  let became: { readonly run: string } | { readonly dropped: string } | undefined
  const look = (event: PipelineEvent): void => {
    if (event.type === 'pipeline.run-planned' && event.data.trigger.request === request)
      became = { run: `${pipeline}/${event.data.run}` }
    if (event.type === 'pipeline.request-dropped' && event.data.request === request)
      became = { dropped: event.data.reason }
    if (became) done.abort()
  }
  await bus.follow(
    { logId: bus.logId, sequence: sequenceOf(after) },
    ({ events }) => {
      for (const recorded of events) {
        const event = knownIn<PipelineEvent>(recorded)
        if (event) look(event)
      }
    },
    AbortSignal.any([done.signal, signal]),
    [historyOf({ aggregate: 'pipeline', scope: pipeline, key: 'self' })],
  )
  return became
}
