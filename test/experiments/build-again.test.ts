import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { buildImage } from '#agents/containers/build-image'
import { engineAt } from '#agents/containers/engine-at'
import { temporaryFolders } from '../processes.ts'
import { baseImage } from './base-image.ts'
import { engineForTests } from './engine.ts'
import { repository } from './repository.ts'

const engine = await engineForTests()
const newFolder = temporaryFolders()
const [first, second] = ['millrace-test/first:1', 'millrace-test/second:1']

describe.runIf(engine)('a build', { timeout: 240_000 }, () => {
  if (!engine) return
  const { host, docker } = engine
  afterAll(async () => {
    for (const image of [first, second]) await docker('rmi', '-f', image).catch(() => undefined)
  })

  test('is made, also where somebody removes the layer that it was building upon', async () => {
    const base = await baseImage(docker, host)
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
})
