import { parse } from 'yaml'
import { Fault } from '#bus/fault'
import { withBackOff } from '../back-off.ts'
import { type DockerCli, saidBy, shortly } from './docker-cli.ts'

type Fetch = {
  readonly docker: DockerCli
  readonly folder: string
  readonly compose: readonly string[]
  /** How long a registry that does not answer is tried again, in milliseconds. */
  readonly patience: number
  /** Told why a try has failed, and in how many milliseconds the next one comes. */
  readonly tell: (reason: string, next: number) => void
  readonly signal: AbortSignal
}

/** What an engine says where trying again leads nowhere. */
const final = /manifest unknown|not found|denied|unauthorized|no basic auth|invalid reference/i

/**
 * Has the engine hold the image that a delivered Compose file names. One that is named by its digest or id and is there is not asked for
 * again. A registry that is down is tried again for a while; then rejects with a sentence that names it.
 */
export const fetchImage = async ({ docker, folder, compose, patience, tell, signal }: Fetch): Promise<void> => {
  const image = await imageOf(docker, folder, signal)
  const isThere = () =>
    docker.ask(['image', 'inspect', '--format', '{{.Id}}', image], signal).then(
      () => true,
      () => false,
    )
  if (/(^|@)sha256:[0-9a-f]{64}$/.test(image) && (await isThere())) return
  const registry = image.slice(0, image.indexOf('/'))
  try {
    await withBackOff(() => docker.compose(folder, [...compose, 'pull'], signal), {
      within: patience,
      passing: (thrown) => !final.test(shortly(thrown)),
      tell: (thrown, next) => tell(`The registry ${registry} did not give the image: ${saidBy(thrown)}`, next),
      signal,
    })
  } catch (cause) {
    if (signal.aborted || Object(cause).code !== 'engine.refused') throw cause
    throw new Fault(
      'registry.unreachable',
      `${docker.machine.name} could not fetch ${image} from the registry ${registry}: ${saidBy(cause)}. See that the registry runs and holds it, and retry`,
      { cause },
    )
  }
}

const imageOf = async ({ machine }: DockerCli, folder: string, signal: AbortSignal): Promise<string> => {
  let text = ''
  const hear = (stream: string, line: string) => {
    if (stream === 'stdout' && text.length < 1_000_000) text += `${line}\n`
  }
  await machine.run(['cat', 'docker-compose.yml'], { folder, signal, hear })
  const image: unknown = Object(Object(Object(parseOf(text)).services).experiment).image
  if (typeof image === 'string' && /^[\w][\w.:/@-]*$/.test(image)) return image
  throw new Fault(
    'run.compose',
    `${folder}/docker-compose.yml names no image for its service 'experiment': deliver it anew`,
  )
}

const parseOf = (text: string): unknown => {
  try {
    return parse(text)
  } catch {
    return undefined
  }
}
