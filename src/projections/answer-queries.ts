import type { Bus, Request } from '#bus/bus'
import { addressOfPortal } from '#contracts/portal'
import { queriesTo } from '#contracts/subjects'
import type { View } from './view.ts'
import type { MetadataReader } from './viewer.ts'
import { type ViewName, viewNames, views } from './views.ts'

/**
 * Answers every view over the bus, until `signal` aborts: what belongs to pipelines for some of them, what belongs to a portal for
 * whoever asks, as far as that principal may see it. A list is `{ items, next, position }`, a page at a time, because an answer is
 * one message; anything else is its fields with `position`. Of a run its row and its nodes are said: all else that belongs to it
 * are lists.
 */
export const answerQueries = async (
  bus: Pick<Bus, 'serve'>,
  viewer: Pick<MetadataReader, 'ask'>,
  pipelines: readonly string[],
  signal: AbortSignal,
): Promise<void> => {
  const serve = (scope: string, name: ViewName) =>
    bus.serve(
      queriesTo(name, scope),
      ({ body, principal, onBehalfOf = principal }) => answer(viewer, scope, name, body, onBehalfOf),
      signal,
    )
  await Promise.all(
    viewNames.flatMap((name) => {
      const view: View = views[name]
      return (view.portal ? [addressOfPortal.scope] : pipelines).map((scope) => serve(scope, name))
    }),
  )
}

/** Answers one view of one pipeline; of all of them where `everywhere` is asked for and none is named. */
export const answer = async (
  viewer: Pick<MetadataReader, 'ask'>,
  pipeline: string,
  name: ViewName,
  body: Request['body'],
  who?: string,
): Promise<unknown> => {
  const view: View = views[name]
  const only = name === 'run' ? { only: 'nodes' } : {}
  const { everywhere = false, ...asked } = (body ?? {}) as Readonly<Record<string, unknown>>
  const said = { ...(view.scoped && everywhere !== true && { pipeline }), ...asked, ...only }
  const { value, position } = await viewer.ask(name, said, who)
  return { ...(value as object), position }
}
