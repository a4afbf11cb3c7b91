import { join } from 'node:path'
import { metadataReadNames, metadataReads } from '#agents/pipelines/metadata-reads'
import { aborted } from '#bus/abort'
import type { Bus } from '#bus/bus'
import { queriesTo } from '#contracts/subjects'
import type { Kept } from './kept.ts'

export type Reads = {
  readonly bus: Bus
  /** Where the database is made. */
  readonly folder: string
  /** The pipeline whose run it is. */
  readonly keeper: string
  /** Whether the keeper has no metadata store in earnest: then each pipeline knows the one run as its own. */
  readonly isAlone: boolean
  /** All pipelines whose metadata functions read, given or not. */
  readonly pipelines: Iterable<string>
  readonly signal: AbortSignal
}

/** The views that functions ask. */
const asked = ['run', ...metadataReadNames.map((name) => metadataReads[name].view)]

/**
 * Answers what functions ask of metadata. What answers is loaded, and its database made, when somebody asks for the first time.
 * Resolves when `signal` has aborted and the database is closed.
 */
export const serveReads = async ({ bus, folder, keeper, isAlone, pipelines, signal }: Reads): Promise<void> => {
  let kept: Promise<Kept> | undefined
  const keep = async (): Promise<Kept> => {
    const { keepMetadata } = await import('./kept.ts')
    return keepMetadata({ bus, path: join(folder, 'metadata.db'), keeper: isAlone ? keeper : undefined, signal })
  }
  for (const pipeline of pipelines)
    for (const view of asked) {
      const answer = async (body: unknown) => {
        kept ??= keep()
        return (await kept).answer(pipeline, view, body)
      }
      bus.serve(queriesTo(view, pipeline), ({ body }) => answer(body), signal).catch(() => undefined)
    }
  await aborted(signal)
  await (await kept)?.ended
}
