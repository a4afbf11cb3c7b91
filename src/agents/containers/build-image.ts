import { access } from 'node:fs/promises'
import { join } from 'node:path'
import type Docker from 'dockerode'
import { Fault, reasonOf } from '#bus/fault'
import { triedAgain, withBackOff } from '../back-off.ts'
import { badDockerfile } from './bad-dockerfile.ts'
import { buildContext } from './build-context.ts'
import { bytesFor } from './ending.ts'
import { engineTrouble } from './engine-at.ts'
import { hearBuild } from './hear-build.ts'
import { memoryOf } from './memory-of.ts'
import { pushImage } from './push-image.ts'
import { removeImage } from './remove-image.ts'

export type Build = {
  readonly engine: Docker
  /** What is built: see `buildContext` for what of it is taken. */
  readonly folder: string
  /** Names at its top that are not taken along. */
  readonly except?: readonly string[] | undefined
  /** The text of a Dockerfile, where the folder holds none. One that it holds counts. */
  readonly dockerfile?: string | undefined
  /** `name:tag`, without a registry. */
  readonly tag: string
  readonly labels: Readonly<Record<string, string>>
  /** `host:port` of the registry it is pushed to; without one it stays in the engine. */
  readonly registry?: string | undefined
  /** Arguments of the build, by name. */
  readonly given?: Readonly<Record<string, string>> | undefined
  /** What its steps may reach: what the engine gives by itself, unless said otherwise. */
  readonly network?: 'none' | 'bridge' | 'host' | undefined
  readonly limits: {
    readonly milliseconds: number
    /** What each step may use: memory in bytes, and how many processors. */
    readonly memory?: number | undefined
    readonly cpus?: number | undefined
    /** How large the image may be, in bytes. */
    readonly size?: number | undefined
    /** How long a registry that does not answer is tried again, in milliseconds: a minute, unless said otherwise. */
    readonly registryPatience?: number | undefined
  }
  /** Told what the build is at, and why it does not go on at present where something is tried again. */
  readonly phase?: ((phase: 'building' | 'pushing', reason?: string) => void) | undefined
  readonly say: (line: string) => void
  readonly signal: AbortSignal
}

/**
 * What an engine says where somebody else, just then, removed the layers that it was building upon, or what it had built and not
 * named yet: two sites on one engine that build the same code have it from each other.
 */
const wasRemoved = /unknown parent image ID|failed to set parent|failed to get digest|No such image: sha256/

/** For how long a build begins anew because of that, in milliseconds. */
const builtUponFor = 60_000

/**
 * Builds an image, pushes it, and resolves with what names it for ever: `host:port/name@sha256:…`. Rejects with the step that
 * failed and its last lines; a build that is aborted ends in the engine as well. However it ends, the engine keeps nothing of it:
 * neither what was to be pushed, unless a container uses it, nor what carries these labels and no name any more.
 */
export const buildImage = async (build: Build): Promise<{ readonly image: string; readonly id: string }> => {
  const { engine, labels, registry, limits, phase, say } = build
  const [, name, version] = /^([a-z0-9][a-z0-9._/-]*):([\w][\w.-]{0,127})$/.exec(build.tag) ?? []
  if (!name || !version)
    throw new Fault('build.tag', `'${build.tag}' can't name an image: expected name:tag in small letters`)
  const repository = registry ? `${registry}/${name}` : name
  const tooLong = AbortSignal.timeout(limits.milliseconds)
  const signal = AbortSignal.any([build.signal, tooLong])
  try {
    phase?.('building')
    const id = await withBackOff(() => make({ ...build, signal }, `${repository}:${version}`), {
      within: builtUponFor,
      passing: (thrown) => wasRemoved.test(reasonOf(thrown)),
      tell: (thrown) => say(`${reasonOf(thrown)}; somebody removed what it builds upon: it begins anew`),
      signal,
    })
    if (!registry) return { image: id, id }
    phase?.('pushing')
    const patience = limits.registryPatience ?? 60_000
    const tell = (said: string, next: number) => {
      const { now, meanwhile } = triedAgain(`The registry ${registry} did not take the image: ${said}`, next, patience)
      say(now)
      phase?.('pushing', meanwhile)
    }
    const digest = await pushImage({ engine, repository, tag: version, patience, say, tell, signal })
    const image = `${repository}@${digest}`
    const { RepoDigests = [] } = await engine.getImage(id).inspect()
    if (!RepoDigests.includes(image))
      throw new Fault(
        'registry.digest',
        `The registry ${registry} says ${digest} of ${repository}:${version}, which is not what was built (${id}). Somebody else pushes this tag: retry`,
      )
    return { image, id }
  } catch (thrown) {
    if (build.signal.aborted) throw build.signal.reason
    if (tooLong.aborted)
      throw new Fault(
        'build.too-long',
        `${build.tag} was not built within ${Math.round(limits.milliseconds / 1_000)} s and was ended. Make the build smaller, or raise the site's limit`,
        { cause: thrown },
      )
    throw badDockerfile(thrown) ?? engineTrouble(`build ${build.tag}`, engine, thrown)
  } finally {
    const leaveNothing = async () => {
      if (registry) await removeImage(engine, `${repository}:${version}`)
      await prune(engine, labels)
    }
    await leaveNothing().catch((thrown) => say(engineTrouble('remove what is left of it', engine, thrown).message))
  }
}

const make = async (
  { engine, folder, except, dockerfile, labels, given = {}, network, limits, say, signal }: Build,
  t: string,
): Promise<string> => {
  const own = await access(join(folder, 'Dockerfile')).then(
    () => true,
    () => false,
  )
  if (!own && dockerfile === undefined)
    throw new Fault('build.no-dockerfile', `${folder} holds no Dockerfile, and none was given`)
  const context = buildContext(folder, own ? undefined : { name: 'Dockerfile', text: dockerfile ?? '' }, except)
  let broken: unknown
  context.once('error', (thrown) => {
    broken = thrown
  })
  const options = {
    ...{ t, labels, buildargs: { ...given }, rm: true, forcerm: true, abortSignal: signal },
    ...(network === undefined ? {} : { networkmode: network }),
    ...(limits.memory === undefined ? {} : { memory: limits.memory, memswap: limits.memory }),
    ...(limits.cpus === undefined ? {} : { cpuperiod, cpuquota: Math.round(limits.cpus * cpuperiod) }),
  }
  const memory = memoryOf(engine)
  try {
    const stream = await engine.buildImage(context as unknown as NodeJS.ReadableStream, options)
    await hearBuild(stream as unknown as AsyncIterable<Buffer>, (line) => {
      memory.hear(line)
      say(line)
    })
  } catch (thrown) {
    if (broken || !(thrown instanceof Fault) || limits.memory === undefined) throw broken ?? thrown
    if (!(await memory.ranOut())) throw thrown
    throw new Fault(
      'build.memory',
      `It ran out of memory: a step of a build may use ${bytesFor(limits.memory)} here (build.memory in the site's file). ${thrown.message}`,
      { cause: thrown },
    )
  } finally {
    context.destroy()
  }
  const { Id, Size } = await engine.getImage(t).inspect()
  if (limits.size === undefined || Size <= limits.size) return Id
  // Where somebody builds upon it just now, it goes with what is left of the build.
  await engine
    .getImage(t)
    .remove({ force: true })
    .catch(() => undefined)
  throw new Fault(
    'build.too-large',
    `The image is ${bytesFor(Size)} large, and may be ${bytesFor(limits.size)} here (build.size in the site's file). Leave out of it what a run does not need`,
  )
}

/** In microseconds: what a quota of processor time is counted in. */
const cpuperiod = 100_000

/** Images without a name that carry all of these labels: an earlier build's, or what a failed one left. */
const prune = async (engine: Docker, labels: Build['labels']): Promise<void> => {
  const label = Object.entries(labels).map(([key, value]) => `${key}=${value}`)
  if (label.length > 0) await engine.pruneImages({ filters: { dangling: ['true'], label } })
}
