import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, describe, expect, onTestFinished, test } from 'vitest'
import { buildImage } from '#agents/containers/build-image'
import { engineAt } from '#agents/containers/engine-at'
import { slow, temporaryFolders } from '../processes.ts'
import { baseImage } from './base-image.ts'
import { engineForTests } from './engine.ts'
import { registryIn } from './registry.ts'
import { repository } from './repository.ts'

const engine = await engineForTests()
const newFolder = temporaryFolders()
const [first, second] = ['millrace-test/first:1', 'millrace-test/second:1']

/** Without beginning anew about one round of twelve failed. */
const rounds = slow ? 100 : 20

describe.runIf(engine)('a build', { timeout: 240_000 }, () => {
  if (!engine) return
  const { host, docker } = engine
  afterAll(async () => {
    for (const image of [first, second]) await docker('rmi', '-f', image).catch(() => undefined)
  })

  test('is made, also where somebody removes the layer that it was building upon', async () => {
    const base = await baseImage(docker)
    const shared = `FROM ${base}\nRUN mkdir /${Date.now()}\n`
    const build = (tag: string, Dockerfile: string, hear: (line: string) => void = () => undefined) => {
      const { folder } = repository(join(newFolder(), 'code'), { Dockerfile, large: 'x'.repeat(30_000_000) })
      const given = { engine: engineAt(host), network: 'none', folder, tag, labels: { 'millrace-test': tag } } as const
      return buildImage({ ...given, limits: { milliseconds: 60_000 }, say: hear, signal: new AbortController().signal })
    }
    await build(first, shared)
    let removed: Promise<unknown> | undefined
    const { id } = await build(second, `${shared}COPY large /large\n`, (line) => {
      if (line.startsWith('Step 3/')) removed ??= docker('rmi', '-f', first)
    })
    await removed
    expect(removed).toBeDefined()
    expect(id).toMatch(/^sha256:/)
  })

  test('of the same code at once for two sites of one engine is made for both, whichever is done first', async () => {
    const base = await baseImage(docker)
    const registry = await registryIn(newFolder())
    await registry.start()
    onTestFinished(registry.stop)
    for (let round = 0; round < rounds; round++) {
      const { folder } = repository(join(newFolder(), 'code'), {
        Dockerfile: `FROM ${base}\nLABEL a=${round}\nLABEL b=1\n`,
      })
      const build = async (site: string) => {
        const given = { engine: engineAt(host), network: 'none', folder, registry: registry.address } as const
        const about = { tag: `millrace-test/both:${round}-${site}`, labels: { 'millrace-test': `both-${round}` } }
        const how = { limits: { milliseconds: 60_000 }, say: () => undefined, signal: new AbortController().signal }
        return buildImage({ ...given, ...about, ...how })
      }
      // From one round to the next the second one comes a little later upon what the first one is at.
      const built = [build('north'), delay((round * 37) % 400).then(() => build('south'))]
      for (const { image } of await Promise.all(built)) expect(image).toMatch(/@sha256:/)
    }
  })
})
