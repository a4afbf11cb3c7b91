import type { Bus, Request } from '#bus/bus'
import { queriesTo } from '#contracts/subjects'
import type { View } from './view.ts'
import type { MetadataReader } from './viewer.ts'
import { type ViewName, viewNames, views } from './views.ts'

/**
 * Answers every view over the bus for some pipelines, until `signal` aborts. A list is `{ items, next, position }`, a page at
 * a time, because an answer is one message; anything else is its fields with `position`. Of a run its row and its nodes are
 * said: all else that belongs to it are lists.
 */
export const answerQueries = async (
  bus: Pick<Bus, 'serve'>,
  viewer: Pick<MetadataReader, 'ask'>,
  pipelines: readonly string[],
  signal: AbortSignal,
): Promise<void> => {
  const serve = (pipeline: string, name: ViewName) =>
    bus.serve(queriesTo(name, pipeline), ({ body }) => answer(viewer, pipeline, name, body), signal)
  await Promise.all(pipelines.flatMap((pipeline) => viewNames.map((name) => serve(pipeline, name))))
}

/** Answers one view of one pipeline; of all of them where `everywhere` is asked for and none is named. */
export const answer = async (
  viewer: Pick<MetadataReader, 'ask'>,
  pipeline: string,
  name: ViewName,
  body: Request['body'],
): Promise<unknown> => {
  const view: View = views[name]
  const only = name === 'run' ? { only: 'nodes' } : {}
  const { everywhere = false, ...asked } = (body ?? {}) as Readonly<Record<string, unknown>>
  const said = { ...(view.scoped && everywhere !== true && { pipeline }), ...asked, ...only }
  const { value, position } = await viewer.ask(name, said)
  return { ...(value as object), position }
}
