import type { Bus, Request } from '#bus/bus'
import { queriesTo } from '#contracts/subjects'
import type { Page, View } from './view.ts'
import type { Viewer } from './viewer.ts'
import { type ViewName, viewNames, views } from './views.ts'

/**
 * Answers every view over the bus for some pipelines, until `signal` aborts. A list is `{ items, next, position }`, anything
 * else its fields with `position`. Metrics that are asked for without `limit` come whole, as a plain array: that is how
 * an action reads them.
 */
export const answerQueries = async (
  bus: Pick<Bus, 'serve'>,
  viewer: Viewer,
  pipelines: readonly string[],
  signal: AbortSignal,
): Promise<void> => {
  const serve = (pipeline: string, name: ViewName) =>
    bus.serve(queriesTo(name, pipeline), ({ body }) => answer(viewer, pipeline, name, body), signal)
  await Promise.all(pipelines.flatMap((pipeline) => viewNames.map((name) => serve(pipeline, name))))
}

const answer = async (viewer: Viewer, pipeline: string, name: ViewName, body: Request['body']): Promise<unknown> => {
  const view: View = views[name]
  const said = { ...(view.scoped && { pipeline }), ...(body as object | null) }
  if (name === 'metrics' && !('limit' in said) && !('cursor' in said)) return wholeOf(viewer, name, said)
  const { value, position } = await viewer.ask(name, said)
  return { ...(value as object), position }
}

/** Every page of a list. */
const wholeOf = async (viewer: Viewer, name: ViewName, said: object): Promise<unknown> => {
  const items: unknown[] = []
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const { value } = await viewer.ask(name, { ...said, limit: 1000, ...(cursor && { cursor }) })
    const page = value as Page
    items.push(...page.items)
    cursor = page.next
  }
  return items
}
