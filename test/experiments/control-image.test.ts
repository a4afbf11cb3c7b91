import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { buildImage } from '#agents/containers/build-image'
import { type Control, runExperiment } from '#agents/containers/control'
import { cancelled } from '#agents/containers/ending'
import { engineAt } from '#agents/containers/engine-at'
import { temporaryFolders } from '../processes.ts'
import { baseImage } from './base-image.ts'
import { engineForTests } from './engine.ts'
import { deliver } from './experiment.ts'
import { mayServeImages, type Registry, registryIn } from './registry.ts'
import { limits, trialsOn } from './trials.ts'

const temporaryFolder = temporaryFolders()
const engine = await engineForTests()

describe.runIf(engine && mayServeImages).concurrent('an experiment', () => {
  const { host, docker } = engine ?? { host: 'unix:///none', docker: async () => '' }
  const { prepare, leftOf, runs, sweep } = trialsOn(host, docker, temporaryFolder)
  let [base, baseId] = ['', '']
  let registry: Registry
  beforeAll(async () => {
    base = await baseImage(docker)
    baseId = await docker('images', '-q', '--no-trunc', base)
    registry = await registryIn(temporaryFolder())
    await registry.start()
  })
  afterAll(async () => {
    await registry.stop()
    await sweep()
    const left = await docker('images', '-q', '--filter', `label=millrace.test=${process.pid}`)
    if (left) await docker('rmi', '-f', left)
  })

  /** An image of an experiment's own, which the engine then has to fetch. */
  const ownImage = async (experiment: string, { address } = registry): Promise<string> => {
    const { image } = await buildImage({
      engine: engineAt(host),
      folder: temporaryFolder(),
      dockerfile: `FROM ${base}\n`,
      tag: `${experiment}:1`,
      labels: { 'millrace.experiment': experiment },
      registry: address,
      limits: { milliseconds: 60_000 },
      say: () => undefined,
      signal: new AbortController().signal,
    })
    return image
  }

  test('that exits with 0 has succeeded, with its results and nothing left in the engine, its image neither', async () => {
    const experiment = `control-${process.pid}-own`
    const image = await ownImage(experiment)
    const script = 'echo begins; mkdir /results/deep; echo 1,2 > /results/deep/samples.csv; echo $HOME >&2; echo ends'
    const prepared = prepare({ image, script, experiment })
    const { phases, lines } = prepared
    const { outcome, manifest } = await runs(prepared)
    expect(outcome).toMatchObject({
      outcome: 'succeeded',
      exitCode: 0,
      results: { files: 1, bytes: 4, partial: false },
    })
    expect(phases).toEqual(['fetching-image', 'running', 'collecting', 'cleaning'])
    expect(lines.toSorted()).toEqual(['/', 'begins', 'ends'])
    expect(manifest).toMatchObject({ experiment, attempt: 1, run: 1, site: 'field', node: 'rover-1', refused: [] })
    expect(manifest.files.map(({ path }) => path)).toEqual(['deep/samples.csv'])
    expect(await docker('images', '-q', '--filter', `reference=${base}`)).not.toBe('')
  })

  test('that cannot be started has failed, with what the engine says', async () => {
    const { outcome } = await runs(prepare({ image: await unstartable(), script: 'x' }))
    expect(outcome.reason).toMatch(/^it could not be started: .*not found|no such file/)
  })
  const unstartable = async () => {
    const { id } = await buildImage({
      engine: engineAt(host),
      folder: temporaryFolder(),
      dockerfile: 'FROM scratch\nLABEL a=b\n',
      tag: `millrace-test/empty-${process.pid}:1`,
      labels: { 'millrace.test': String(process.pid) },
      limits: { milliseconds: 60_000 },
      say: () => undefined,
      signal: new AbortController().signal,
    })
    return id
  }

  test('waits for a registry that is down, and says so', async () => {
    const experiment = `control-${process.pid}-waits`
    const down = await registryIn(temporaryFolder())
    await down.start()
    const image = await ownImage(experiment, down)
    await down.stop()
    const waits = Promise.withResolvers<void>()
    const say: Control['say'] = (_, line) => {
      if (line.includes(down.address) && line.includes('trying again in')) waits.resolve()
    }
    const running = runs(prepare({ image, script: 'echo x > /results/x', experiment }, { say }))
    await Promise.race([waits.promise, running]).finally(() => down.start())
    expect((await running.finally(() => down.stop())).outcome.outcome).toBe('succeeded')
  })

  test('cannot begin where the registry stays down, and may be asked for again', async () => {
    const image = `127.0.0.1:9/none@sha256:${'0'.repeat(64)}`
    const prepared = prepare({ image, script: 'true' }, limits({ registryPatience: 500 }))
    await expect(runExperiment(prepared.control)).rejects.toThrow(/could not fetch .* from the registry 127.0.0.1:9/)
    expect(await leftOf(prepared.experiment)).toBe('')
  })

  test('leaves alone what belongs to others on the same engine, though it is of the same experiment on another node', async () => {
    const label = `millrace.experiment=control-${process.pid}-shared`
    const stranger = await docker(
      'run',
      '-d',
      '--network',
      'none',
      '--label',
      'millrace.experiment=other',
      base,
      'sleep',
      '300',
    )
    const root = temporaryFolder()
    const trial = { image: baseId, script: 'echo up; sleep 300', experiment: `control-${process.pid}-shared` }
    const stopping = new AbortController()
    const up = Promise.withResolvers<void>()
    const twin = deliver(root, host, trial, {
      run: { experiment: trial.experiment, attempt: 1, number: 1, site: 'field', node: 'rover-2' },
      say: (_, line) => line === 'up' && up.resolve(),
      signal: stopping.signal,
    })
    const other = runExperiment(twin.control)
    try {
      await Promise.race([up.promise, other])
      const mine = deliver(temporaryFolder(), host, { ...trial, script: 'true' })
      expect((await runExperiment(mine.control)).outcome).toBe('succeeded')
      expect(await docker('ps', '-q', '--no-trunc', '--filter', 'label=millrace.experiment=other')).toContain(stranger)
      expect(await docker('ps', '-q', '--filter', `label=${label}`)).not.toBe('')
    } finally {
      stopping.abort(cancelled('enough'))
      await other
      await docker('rm', '-f', stranger)
    }
    expect(await docker('ps', '-aq', '--filter', `label=${label}`)).toBe('')
  })
})
