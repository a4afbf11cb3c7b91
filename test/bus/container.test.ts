import { rmSync } from 'node:fs'
import { env } from 'node:process'
import { GenericContainer, type StartedTestContainer, Wait } from 'testcontainers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openBus } from '#bus/jetstream'
import { findEngine, natsImageContext } from '../docker.ts'
import { freePort } from '../processes.ts'
import { behavesLikeABus } from './conformance.ts'

const engine = await findEngine()

if (!engine)
  test.runIf(env.CI === 'true')('a Docker engine answers, or can be started', () => {
    expect(engine, 'install docker.io, or start an engine and set DOCKER_HOST').toBeDefined()
  })
else
  describe('a server in a container', () => {
    let container: StartedTestContainer | undefined
    let port = 0
    let context = ''
    beforeAll(async () => {
      env.DOCKER_HOST = engine.host
      env.TESTCONTAINERS_RYUK_DISABLED = 'true'
      env.TESTCONTAINERS_HOST_OVERRIDE = '127.0.0.1' // The container shares this machine's network.
      context = await natsImageContext()
      port = await freePort()
      const image = await GenericContainer.fromDockerfile(context).build('millrace-nats-test', { deleteOnExit: false })
      container = await image
        .withNetworkMode('host')
        .withCommand(['-a', '127.0.0.1', '-p', String(port)])
        .withWaitStrategy(Wait.forLogMessage(/Server is ready/))
        .start()
    }, 120_000)
    afterAll(async () => {
      await container?.stop()
      rmSync(context, { recursive: true, force: true })
      await engine.stop()
    }, 60_000)

    behavesLikeABus('JetStream in a container', (principal = 'test') =>
      openBus({ url: `nats://127.0.0.1:${port}`, principal }),
    )
  })
