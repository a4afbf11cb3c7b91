import type { Bus, Request } from '#bus/bus'
import { faults } from '#bus/fault'
import { queriesTo } from '#contracts/subjects'
import type { Page, View } from './view.ts'
import type { Viewer } from './viewer.ts'
import { type ViewName, viewNames, views } from './views.ts'

/**
 * Answers every view over the bus for some pipelines, until `signal` aborts. A list is `{ items, next, position }`, a page at
 * a time, because an answer is one message; anything else is its fields with `position`. Of a run its row and its nodes are
 * said: all else that belongs to it are lists. Metrics that are asked for without `limit` come whole, as a plain array,
 * where one message holds them.
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
  const only = name === 'run' ? { only: 'nodes' } : {}
  const said = { ...(view.scoped && { pipeline }), ...(body as object | null), ...only }
  if (name === 'metrics' && !('limit' in said) && !('cursor' in said)) return wholeOf(viewer, said)
  const { value, position } = await viewer.ask(name, said)
  return { ...(value as object), position }
}

/** How many bytes a plain array may hold: a message holds 1 MB. */
const largest = 900_000

/** All metrics at once, for whoever asks without pages. */
const wholeOf = async (viewer: Viewer, said: object): Promise<unknown> => {
  const items: unknown[] = []
  let bytes = 0
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const page = (await viewer.ask('metrics', { ...said, limit: 1000, ...(cursor && { cursor }) })).value as Page
    bytes += Buffer.byteLength(JSON.stringify(page.items))
    if (bytes > largest) throw faults.brokenQuery('metrics', 'limit: one answer does not hold them all', undefined)
    items.push(...page.items)
    cursor = page.next
  }
  return items
}
