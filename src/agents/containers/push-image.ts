import type Docker from 'dockerode'
import { Fault, reasonOf } from '#bus/fault'
import { withBackOff } from '../back-off.ts'
import { shortly } from './docker-cli.ts'
import { engineTrouble } from './engine-at.ts'
import { jsonLines } from './json-lines.ts'

type Push = {
  readonly engine: Docker
  /** What is pushed: `host:port/name`, and its tag. */
  readonly repository: string
  readonly tag: string
  /** How long a registry that does not answer is tried again, in milliseconds. */
  readonly patience: number
  readonly say: (line: string) => void
  /** Told why a try has failed, and in how many milliseconds the next one comes. */
  readonly tell: (reason: string, next: number) => void
  readonly signal: AbortSignal
}

/** Told at most once in so many milliseconds how far a push is. */
const every = 2_000

/** What a registry that is away, starting or overrun makes an engine say. */
const passes =
  /connection refused|connection reset|timeout|timed out|EOF|no route|unreachable|no such host|broken pipe|server gave HTTP|50[0-9] |unavailable/i

/**
 * Pushes an image and resolves with its digest, `sha256:…`, as the registry has it. A registry that is down is tried again with
 * longer and longer pauses; then rejects with a sentence that names it.
 */
export const pushImage = async ({ engine, repository, tag, patience, say, tell, signal }: Push): Promise<string> => {
  const registry = repository.slice(0, repository.indexOf('/'))
  try {
    return await withBackOff(() => pushOnce({ engine, repository, tag, say, signal }), {
      within: patience,
      signal,
      passing: (thrown) => passes.test(reasonOf(thrown)),
      tell: (thrown, next) => tell(shortly(thrown), next),
    })
  } catch (thrown) {
    if (signal.aborted) throw signal.reason
    if (!passes.test(reasonOf(thrown)) || Object(thrown).code === 'engine.unreachable') throw thrown
    throw new Fault(
      'registry.unreachable',
      `The registry ${registry} did not take ${repository}:${tag} within ${Math.round(patience / 1_000)} s: ${reasonOf(thrown)}. Start the registry, or correct its address in the site's configuration, and retry`,
      { cause: thrown },
    )
  }
}

const pushOnce = async ({ engine, repository, tag, say, signal }: Omit<Push, 'patience' | 'tell'>): Promise<string> => {
  const stream = await engine
    .getImage(repository)
    .push({ tag, authconfig: {}, abortSignal: signal } as Docker.ImagePushOptions)
    .catch((thrown: unknown) => {
      throw engineTrouble(`push ${repository}:${tag}`, engine, thrown)
    })
  let [digest, saidAt]: [string | undefined, number] = [undefined, Number.NEGATIVE_INFINITY]
  for await (const { error, aux, status, progress, id } of jsonLines(stream as AsyncIterable<Buffer>)) {
    if (typeof error === 'string') throw new Fault('registry.refused', `Pushing ${repository}:${tag} failed: ${error}`)
    digest = (aux as { Digest?: string } | undefined)?.Digest ?? digest
    const now = performance.now()
    if (typeof status !== 'string' || now - saidAt < every) continue
    saidAt = now
    say([id, status, progress].filter((part) => typeof part === 'string' && part).join(' '))
  }
  if (digest && /^sha256:[0-9a-f]{64}$/.test(digest)) return digest
  throw new Fault('registry.refused', `Pushing ${repository}:${tag} ended without a digest: retry`)
}
