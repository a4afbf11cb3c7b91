import { readEvent } from '#contracts/all'
import type { ArtifactEvent } from '#contracts/artifact'
import type { Recorded } from '#contracts/envelope'
import type { PipelineEvent } from '#contracts/pipeline'
import type { RunEvent } from '#contracts/run'
import { timeOf } from './print.ts'
import { printable } from './printable.ts'

/** An event in one line for people, with its address in the console where there is one; undefined where it is not worth a line. */
export const storyOf = (recorded: Recorded, consoleUrl: string | undefined): string | undefined => {
  const reading = readEvent<ArtifactEvent | RunEvent | PipelineEvent>(recorded)
  if (!reading.kept) return printable(`rejected: ${recorded.type} at ${recorded.position}: ${reading.reason}`)
  const { event } = reading
  const { scope, key } = event.address
  const at = (path: string) => (consoleUrl ? `${consoleUrl}${path}` : '')
  const runAt = (run: string) => at(`/runs/${run}`)
  const own = `${scope}/${key}`
  const artifactAt = ({ store, path }: { readonly store: string; readonly path: string }) =>
    at(`/artifacts/${store}?path=${encodeURIComponent(path)}`)
  const line = (() => {
    switch (event.type) {
      case 'artifact.detected':
        return [`file seen: ${event.data.path} in ${event.data.store}`, artifactAt(event.data)]
      case 'artifact.unreadable':
        return [`not an artifact: ${event.data.path} in ${event.data.store}: ${event.data.reason}`]
      case 'artifact.source-failing':
        return [`nothing can be seen in ${event.data.store}: ${event.data.reason}`]
      case 'artifact.source-back':
        return [`${event.data.store} can be seen again`]
      case 'artifact.saved':
        return [`saved: ${event.data.path} in ${event.data.store}`, artifactAt(event.data)]
      case 'artifact.downloaded':
        return [`downloaded: ${event.data.path} from ${event.data.store} to ${event.data.to}`, artifactAt(event.data)]
      case 'artifact.uploaded':
        return [`uploaded: ${event.data.path} from ${event.data.from} to ${event.data.store}`, artifactAt(event.data)]
      case 'run.planned':
        return [`run ${own} started: ${event.data.trigger.message}`, runAt(own)]
      case 'run.node-started':
        return [`${event.data.part} runs on ${event.data.host}`]
      case 'run.node-failed':
        return [`${event.data.part} ${event.data.how}: ${event.data.reason}`, runAt(own)]
      case 'run.node-retry-set':
        return [retryIn(event.data)]
      case 'run.node-skipped':
        return [`${event.data.part} skipped: ${event.data.reason}`]
      case 'run.node-cancelled':
        return [`${event.data.part} ${event.data.stopped ? 'cancelled' : 'left to itself'}: ${event.data.reason}`]
      case 'run.paused':
        return [`run ${own} paused: ${event.data.reason}`, runAt(own)]
      case 'run.resumed':
        return [`run ${own} resumed${event.data.by === 'pipeline' ? ' with its pipeline' : ''}`, runAt(own)]
      case 'run.succeeded':
        return [`run ${own} succeeded`, runAt(own)]
      case 'run.failed':
        return [`run ${own} failed: ${event.data.failed.join(', ')}`, runAt(own)]
      case 'run.cancelled':
        return [`run ${own} cancelled: ${event.data.reason}${unstopped(event.data)}`, runAt(own)]
      case 'run.timed-out':
        return [`run ${own} timed out: ${event.data.reason}${unstopped(event.data)}`, runAt(own)]
      case 'pipeline.paused':
        return [`${scope} paused: ${event.data.reason}`]
      case 'pipeline.resumed':
        return [`${scope} resumed`]
      case 'pipeline.request-dropped':
        return [`no run of ${scope} for request ${event.data.request}: ${event.data.reason}`]
      default:
        return undefined
    }
  })()
  return line && `${timeOf(recorded.time)} ${line.filter(Boolean).map(printable).join('  ')}`
}

const retryIn = ({ part, tries, of, delay }: Extract<RunEvent, { type: 'run.node-retry-set' }>['data']): string =>
  `${part} is tried again in ${delay / 1000} s at the earliest: retry ${tries} of ${of}`

const unstopped = ({ unstopped }: { readonly unstopped: readonly string[] }): string =>
  unstopped.length > 0 ? `; perhaps not stopped: ${unstopped.join(', ')}` : ''
