import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { portalConfig } from '#agents/experiments/portal-config'
import { runPortal } from '#agents/experiments/portal-host'
import { openLocal } from '#agents/local'
import { openBus } from '#bus/jetstream'
import { answerQueries } from '#projections/answer-queries'
import { follow } from '#projections/follower'
import { metadata } from '#projections/metadata'
import { viewerOf } from '#projections/viewer'
import { withServer } from '../nats.ts'
import { temporaryFolders } from '../processes.ts'
import { speaking } from './speaking.ts'

const quiet = () => undefined

/** A server, a portal and whoever answers what is asked of it, for all tests of a file; no site is there. */
export const withPortalOnly = () => {
  const newFolder = temporaryFolders()
  const nats = withServer()
  const stop = new AbortController()
  let end = async (): Promise<unknown> => undefined

  beforeAll(async () => {
    const folder = newFolder()
    const [bus, web] = [
      await openBus({ url: nats().url, principal: 'portal' }),
      await openBus({ url: nats().url, principal: 'web-here' }),
    ]
    const { signal } = stop
    const { promise: ready, resolve } = Promise.withResolvers<void>()
    const config = portalConfig.parse({
      ...{ administrators: ['ada'], operators: ['olga'], projects: { rover: { members: ['carol', 'emil'] } } },
      ...{ gitHosts: ['git.example'], experiments: join(folder, 'experiments'), directories: join(folder, 'home') },
      sites: {
        north: { server: 'north', transport: 'bus', nodes: { one: { type: 'Rover', capabilities: ['lidar'] } } },
      },
    })
    const local = openLocal(join(folder, 'portal.db'))
    const about = { bus, host: 'portal', instance: 'i', version: '0', signal, local, log: quiet, ready: resolve }
    const running = runPortal(about, config, { scratch: join(folder, 'scratch') })
    await Promise.race([ready, running])
    const path = join(folder, 'metadata.db')
    const follower = await follow({ bus: web, path, projection: metadata, signal, say: quiet })
    const viewer = viewerOf(web, follower)
    const answering = answerQueries(web, viewer, [], signal)
    end = async () => {
      stop.abort()
      await Promise.all([running, follower.ended, answering])
      viewer.close()
      local.close()
      await Promise.all([bus.close(), web.close()])
    }
  }, 60_000)
  afterAll(() => end())

  return { ...speaking(() => nats().url), newFolder, url: () => nats().url }
}
