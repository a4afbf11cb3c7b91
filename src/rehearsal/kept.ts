import type { Bus } from '#bus/bus'
import { answer } from '#projections/answer-queries'
import { follow } from '#projections/follower'
import { metadata } from '#projections/metadata'
import type { View } from '#projections/view'
import { type MetadataReader, viewerOf } from '#projections/viewer'
import { type ViewName, views } from '#projections/views'

type Keeping = {
  readonly bus: Bus
  /** Where the database lies. */
  readonly path: string
  /** The pipeline whose run it is, where all others know that as their own. */
  readonly keeper: string | undefined
  readonly signal: AbortSignal
}

/** What a metadata store keeps, for the time of a rehearsal. */
export type Kept = Awaited<ReturnType<typeof keepMetadata>>

/**
 * Keeps the projection of a metadata store until `signal` aborts. Whoever asks is told of all that has been recorded by then;
 * `ended` resolves when the database is closed.
 */
export const keepMetadata = async ({ bus, path, keeper, signal }: Keeping) => {
  const follower = await follow({ bus, path, projection: metadata, signal })
  // No host has to be there for a rehearsal: that none is says nothing of its nodes.
  const { ask, close } = viewerOf({ ...bus, connected: () => false }, follower)
  const upToNow: MetadataReader['ask'] = async (name, said) => {
    const after = `${bus.logId}.${await bus.head()}`
    signal.throwIfAborted() // Nobody follows any longer: it would wait in vain.
    return ask(name, { ...(said as object), after })
  }
  return {
    /** Answers as the metadata store of a pipeline would, as if the one run were its own where they all know it so. */
    answer: (pipeline: string, view: string, body: unknown) =>
      answer(
        { ask: keeper === undefined ? upToNow : askedAs(pipeline, keeper, upToNow) },
        pipeline,
        view as ViewName,
        body,
      ),
    ended: follower.ended.finally(close),
  }
}

/** Reads as one pipeline would if the one run were its own: where it is named, the keeper is meant. */
const askedAs =
  (pipeline: string, keeper: string, ask: MetadataReader['ask']): MetadataReader['ask'] =>
  (name, said) => {
    const { scoped = false }: View = views[name]
    const asked = said as Readonly<Record<string, unknown>>
    const isOwn = scoped && asked.pipeline === pipeline
    const isOwnRun = typeof asked.run === 'string' && asked.run.startsWith(`${pipeline}/`)
    const run = `${keeper}${String(asked.run).slice(pipeline.length)}`
    return ask(name, { ...asked, ...(isOwn && { pipeline: keeper }), ...(isOwnRun && { run }) })
  }
