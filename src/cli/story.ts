import { readEvent } from '#contracts/all'
import type { ArtifactEvent } from '#contracts/artifact'
import type { Recorded } from '#contracts/envelope'
import type { RunEvent } from '#contracts/run'
import { timeOf } from './print.ts'
import { printable } from './printable.ts'

/** An event in one line for people, with its address in the console where there is one; undefined where it is not worth a line. */
export const storyOf = (recorded: Recorded, consoleUrl: string | undefined): string | undefined => {
  const reading = readEvent(recorded)
  if (!reading.kept) return printable(`rejected: ${recorded.type} at ${recorded.position}: ${reading.reason}`)
  const event = reading.event as unknown as (ArtifactEvent | RunEvent) & Pick<Recorded, 'address'>
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
      case 'run.node-skipped':
        return [`${event.data.part} skipped: ${event.data.reason}`]
      case 'run.succeeded':
        return [`run ${own} succeeded`, runAt(own)]
      case 'run.failed':
        return [`run ${own} failed: ${event.data.failed.join(', ')}`, runAt(own)]
      default:
        return undefined
    }
  })()
  return line && `${timeOf(recorded.time)} ${line.filter(Boolean).map(printable).join('  ')}`
}
