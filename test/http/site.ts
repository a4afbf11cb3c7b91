import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { Bus } from '#bus/bus'
import { memoryHub } from '#bus/memory'
import type { Graph } from '#contracts/pipeline'
import { appOf } from '#http/app'
import { loopback } from '#http/guard'
import type { Site } from '#http/site'
import { viewerOf } from '#projections/viewer'
import { folder, leafGraph, rootGraph, teller, watching } from '../projections/story.ts'

/** A web process without a server: the app, and what stands behind it. */
export const siteOf = async ({
  runs = 1,
  heartbeat = 15_000,
  patience = 60_000,
  over = {} as Partial<Bus>,
  graphs = [rootGraph] as readonly Graph[],
  say = (_: string): void => undefined,
  more = {} as Partial<Pick<Site, 'user' | 'tokens' | 'putSecret'>>,
} = {}) => {
  const hub = memoryHub()
  const bus = hub.connect('web-test')
  const story = teller(bus)
  await story.define(rootGraph)
  await story.define(leafGraph)
  for (let run = 0; run < runs; run++) await story.wholeRun(run)
  const watched = await watching(bus, { path: join(await folder(), 'metadata.db') })
  await watched.caughtUp()
  const stop = new AbortController()
  onTestFinished(() => stop.abort())
  const seen = { ...bus, ...over }
  const viewer = viewerOf(seen, watched.follower)
  onTestFinished(viewer.close)
  const app = appOf({
    bus: seen,
    viewer,
    graphs,
    say,
    user: 'ada',
    names: loopback,
    signal: stop.signal,
    heartbeat,
    patience,
    ...more,
  })
  const get = (path: string, headers: Record<string, string> = {}) => app.request(path, { headers })
  const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
    app.request(path, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
  return { hub, bus, story, app, get, post, stop, ...watched, viewer }
}
