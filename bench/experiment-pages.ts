import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type ClientHttp2Session, connect } from 'node:http2'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { buffer } from 'node:stream/consumers'
import { memoryHub } from '#bus/memory'
import { appOf } from '#http/app'
import { loopback } from '#http/guard'
import { startWeb } from '#http/server'
import { follow } from '#projections/follower'
import { metadata } from '#projections/metadata'
import { viewerOf } from '#projections/viewer'
import { recordOn } from './experiment-log.ts'
import { inFolder } from './ground.ts'
import { median } from './measure.ts'

/** How often each page is asked for; the first time only warms up. */
const rounds = 5

const lists = [
  ...['', '?sort=changed', '?order=asc', '?project=p3', '?site=site7', '?mode=Development&status=deploying'],
  ...['?subState=built', '?waitsFor=operator', '?text=experiment%2077'],
].map((query) => `/api/experiments${query}`)
const one = ['', '/history', '/steps'].map((path) => `/api/experiments/p1-000001${path}`)

/** The pages that people open: lists filtered in every way, one experiment, what waits, and what there is. */
const paths = [...lists, ...one, '/api/inbox', '/api/sites', '/api/end-nodes']

/** The longest page that a program may ask for. */
export const longest = '/api/experiments?limit=1000'

/** A way of asking, and how long it takes, in milliseconds: at best, and in the middle. */
export type Way = { readonly path: string; readonly who: string; readonly fastest: number; readonly median: number }

/**
 * How long pages of so many experiments over twenty sites take an operator and a member over HTTP/2 with TLS, to the last byte. Fails
 * where a page is not given, or has nothing.
 */
export const pagesOverHttp = (count: number): Promise<readonly Way[]> =>
  inFolder(async (folder) => {
    const stop = new AbortController()
    const { signal } = stop
    const say = () => undefined
    const bus = memoryHub().connect('web-bench')
    await recordOn(bus, count)
    const follower = await follow({ bus, path: join(folder, 'metadata.db'), projection: metadata, signal, say })
    const viewer = viewerOf(bus, follower)
    const about = { bus, viewer, graphs: [], names: loopback, signal, say }
    const ways: Way[] = []
    try {
      await follower.waitFor(`${bus.logId}.${await bus.head()}`, 60_000)
      for (const who of ['olga', 'carol']) {
        const app = appOf({ ...about, user: who })
        const { url, caPath } = await startWeb({ app, host: '127.0.0.1', port: 0, stateDir: folder, signal })
        const session = connect(url, { ca: readFileSync(caPath) })
        for (const path of [...paths, longest]) {
          const times: number[] = []
          for (let round = 0; round < rounds; round++) {
            const began = performance.now()
            await get(session, path)
            if (round > 0) times.push(performance.now() - began)
          }
          ways.push({ path, who, fastest: Math.min(...times), median: median(times) })
        }
        session.close()
      }
      return ways
    } finally {
      stop.abort()
      await follower.ended
      viewer.close()
    }
  })

const get = async (session: ClientHttp2Session, path: string): Promise<void> => {
  const request = session.request({ ':path': path })
  const [headers] = (await once(request, 'response')) as [{ readonly ':status'?: number }]
  const body = await buffer(request)
  if (headers[':status'] !== 200 || body.length < 20) throw new Error(`${path} answered ${headers[':status']}: ${body}`)
}
