import { join } from 'node:path'
import { parse } from 'yaml'
import { aborted } from '#bus/abort'
import type { Bus } from '#bus/bus'
import { Fault } from '#bus/fault'
import { addressOfExperiment, pinnedImage, placeOfPart } from '#contracts/experiment-parts'
import type { Machine } from '../machines/machine.ts'
import { readExperiment } from './read-experiment.ts'
import type { TakeStep } from './take-steps.ts'

type Packaging = {
  readonly bus: Pick<Bus, 'read'>
  /** The site server, and where it keeps experiments. */
  readonly machine: Machine
  readonly folder: string
  /** The host that is the site server. */
  readonly server: string
  /** What it is told to run: `{id}`, `{site}`, `{server}` and `{folder}` stand for those of the experiment. */
  readonly command: readonly string[]
}

/** How large the Compose file is at most that is read of a site, in bytes. */
const largest = 65_536

/**
 * Tells a site server over ssh to build. A command that asks the experiment to let the site's own agent do it is not waited for
 * any longer; the exit code of any other one is its result, and what it built stands in the Compose file that it wrote.
 */
export const packagerStep =
  ({ bus, machine, folder, server, command }: Packaging): TakeStep =>
  async ({ id, step, say, run, phase, signal }) => {
    const { site } = placeOfPart(step.part)
    const [program = '', ...rest] = command.map((word) => filled(word, { id, site, server, folder }))
    run(['ssh', machine.name, program, ...rest])
    phase('instructing')
    const ended = await machine.run([program, ...rest], {
      hear: (_, line) => say(line),
      folder,
      signal,
    })
    if (ended.code !== 0) {
      const how = ended.code === null ? `was ended by ${ended.killedBy}` : `ended with ${ended.code}`
      return { failed: `${program} ${how} on ${machine.name}: ${ended.lastWords || 'it said nothing'}` }
    }
    // Handed over: the experiment waits for somebody else, and tells this execution so.
    const now = await readExperiment(bus, addressOfExperiment(id))
    if (now?.parts[step.part]?.build?.agent !== step.agent) {
      await aborted(signal)
      return { failed: 'The site server builds it' }
    }
    const compose = await readCompose(machine, join(folder, id, 'docker-compose.yml'), signal)
    return { step: 'build', image: imageIn(compose), compose }
  }

const filled = (word: string, values: Readonly<Record<string, string>>): string =>
  word.replaceAll(/\{(id|site|server|folder)\}/g, (_, name: string) => values[name] ?? '')

const readCompose = async (machine: Machine, path: string, signal: AbortSignal): Promise<string> => {
  let text = ''
  const hear = (stream: 'stdout' | 'stderr', line: string): void => {
    if (stream === 'stdout' && text.length < largest) text += `${line}\n`
  }
  const { code, lastWords } = await machine.run(['head', '-c', String(largest), '--', path], { hear, signal })
  if (code === 0) return text
  throw new Fault('site.no-compose', `There is no Compose file at ${machine.name}:${path}: ${lastWords}`)
}

/** The one image of a Compose file; a fault where it is not named by its digest, as it could be another one tomorrow. */
const imageIn = (compose: string): string => {
  const services = (parse(compose, { maxAliasCount: 0 }) as { services?: Record<string, { image?: unknown }> } | null)
    ?.services
  const images = Object.values(services ?? {}).map(({ image }) => image)
  const [image] = images
  const pinned = pinnedImage.safeParse(image)
  if (images.length === 1 && pinned.success) return pinned.data
  throw new Fault(
    'site.bad-compose',
    `The Compose file of the site names ${images.length === 0 ? 'no image' : images.map(String).join(', ')}; expected one image by its digest, as registry:5000/name@sha256:…`,
  )
}
