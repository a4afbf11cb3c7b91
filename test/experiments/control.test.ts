import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { buildImage } from '../../src/agents/experiments/build-image.ts'
import { type Control, runExperiment } from '../../src/agents/experiments/control.ts'
import { cancelled } from '../../src/agents/experiments/ending.ts'
import { engineAt } from '../../src/agents/experiments/engine-at.ts'
import { readManifest, verifyManifest } from '../../src/agents/experiments/manifest.ts'
import { temporaryFolders } from '../processes.ts'
import { baseImage } from './base-image.ts'
import { engineForTests } from './engine.ts'
import { deliver, type Trial } from './experiment.ts'
import { mayServeImages, type Registry, registryIn } from './registry.ts'

const temporaryFolder = temporaryFolders()
const engine = await engineForTests()

describe.runIf(engine && mayServeImages).concurrent('an experiment', () => {
  const { host, docker } = engine ?? { host: 'unix:///none', docker: async () => '' }
  let [base, baseId] = ['', '']
  let registry: Registry
  beforeAll(async () => {
    base = await baseImage(docker, host)
    baseId = await docker('images', '-q', '--no-trunc', base)
    registry = await registryIn(temporaryFolder())
    await registry.start()
  })
  afterAll(() => registry.stop())

  let count = 0
  const prepare = (script: string, more: Partial<Control> = {}, trial: Partial<Trial> = {}) => {
    const experiment = `control-${process.pid}-${++count}`
    const root = temporaryFolder()
    return { root, experiment, ...deliver(root, host, { image: baseId, script, experiment, ...trial }, more) }
  }
  const limits = (more: Partial<Control['limits']>) => ({ limits: more as Control['limits'] })

  /** What an engine still holds of an experiment. */
  const leftOf = async (experiment: string): Promise<string> => {
    const label = ['--filter', `label=millrace.experiment=${experiment}`]
    const lists = [
      ['ps', '-aq'],
      ['volume', 'ls', '-q'],
      ['network', 'ls', '-q'],
      ['images', '-q'],
    ]
    return (await Promise.all(lists.map((list) => docker(...list, ...label)))).join('')
  }
  const runs = async (prepared: ReturnType<typeof prepare>) => {
    const outcome = await runExperiment(prepared.control)
    expect(outcome.clean).toBe(true)
    expect(await leftOf(prepared.experiment)).toBe('')
    const manifest = await readManifest(join(prepared.root, 'results/manifest.json'))
    expect(await verifyManifest(join(prepared.root, 'results/files'), manifest)).toEqual([])
    return { outcome, manifest }
  }

  /** An image of an experiment's own, which the engine then has to fetch. */
  const ownImage = async (experiment: string, { address } = registry): Promise<string> => {
    const { image, id } = await buildImage({
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
    await docker('rmi', '-f', id)
    return image
  }

  test('that exits with 0 has succeeded, with its results and nothing left in the engine, its image neither', async () => {
    const experiment = `control-${process.pid}-own`
    const image = await ownImage(experiment)
    const root = temporaryFolder()
    const script = 'echo begins; mkdir /results/deep; echo 1,2 > /results/deep/samples.csv; echo $HOME >&2; echo ends'
    const { control, phases, lines } = deliver(root, host, { image, script, experiment })
    const { outcome, manifest } = await runs({ root, experiment, control, phases, lines })
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

  test('that exits with 3 has failed, with what it has given so far', async () => {
    const { outcome, manifest } = await runs(prepare('echo half > /results/half.txt; exit 3'))
    expect(outcome).toMatchObject({ outcome: 'failed', exitCode: 3, reason: 'exited with 3' })
    expect(manifest).toMatchObject({ partial: true, files: [{ path: 'half.txt', size: 5 }] })
  })

  test('that was asked for again after its end is not run again', async () => {
    const prepared = prepare('date > /results/date')
    const { outcome } = await runs(prepared)
    const date = readFileSync(join(prepared.root, 'results/files/date'), 'utf8')
    expect((await runs(prepared)).outcome).toEqual(outcome)
    expect(readFileSync(join(prepared.root, 'results/files/date'), 'utf8')).toBe(date)
  })

  test('that runs for too long is stopped, though it ignores being told to', async () => {
    const prepared = prepare(
      "trap '' TERM; echo x > /results/x; while :; do sleep 1; done",
      limits({ milliseconds: 2_000 }),
    )
    const { outcome, manifest } = await runs(prepared)
    expect(outcome).toMatchObject({
      outcome: 'failed',
      exitCode: 137,
      reason: 'stopped: it ran for longer than its 2 s',
    })
    expect(manifest).toMatchObject({ partial: true, files: [{ path: 'x' }] })
  })

  test('that takes too much memory is said to be killed for that', async () => {
    const script = 'head -c 100m /dev/zero | tail'
    const { outcome } = await runs(prepare(`${script}; exit $?`, {}, { memory: 16 * 2 ** 20 }))
    expect(outcome).toMatchObject({ outcome: 'failed', reason: 'killed for memory: its limit is 16 MiB' })
  })

  test('that forks without end is held by its limit', async () => {
    const prepared = prepare('f() { f | f & f; }; f', limits({ milliseconds: 10_000 }), { pids: 32 })
    const { outcome } = await runs(prepared)
    expect(outcome.outcome).toBe('failed')
    expect(prepared.lines.some((line) => /can't fork/.test(line))).toBe(true)
  })

  test('that fills its disk is stopped', async () => {
    const script = 'while :; do head -c 1000000 /dev/zero >> /results/zeros; sleep 0.05; done'
    const { outcome, manifest } = await runs(prepare(script, limits({ disk: 5e6 })))
    expect(outcome.reason).toMatch(/^stopped: it wrote [\d.]+ MiB, its limit is 4.8 MiB$/)
    expect(manifest.refused).toEqual([{ path: 'zeros', reason: 'the results hold more than 4.8 MiB' }])
  })

  test('that says a million lines is heard up to its limit, and longer lines are cut', async () => {
    const prepared = prepare("head -c 200000 /dev/zero | tr '\\0' x; echo; seq 1 1000000", limits({ lines: 200_000 }))
    const before = process.memoryUsage().rss
    const { outcome } = await runs(prepared)
    expect(outcome.outcome).toBe('succeeded')
    expect(prepared.lines).toHaveLength(200_001)
    expect(prepared.lines[0]).toMatch(/^x{65536} …$/)
    expect(prepared.lines.slice(1, 4)).toEqual(['1', '2', '3'])
    expect(prepared.lines.at(-2)).toBe('199999')
    expect(prepared.lines.at(-1)).toBe('… it writes more than 200000 lines; the rest is not kept')
    expect(process.memoryUsage().rss - before).toBeLessThan(200e6)
  })

  test('that leaves links, pipes and odd names loses these alone', async () => {
    const script = [
      'cd /results; echo fine > fine; ln -s /etc/passwd secret; ln -s /etc inside; ln fine twin; mkfifo pipe',
      'echo odd > "$(printf "a\\nb")"; mkdir -p empty; echo ok > ü',
    ].join('\n')
    const { outcome, manifest } = await runs(prepare(script))
    expect(outcome).toMatchObject({ outcome: 'succeeded', results: { partial: true } })
    const named = [...manifest.files, ...manifest.refused].map(({ path }) => path)
    expect(named.toSorted()).toEqual(['a\nb', 'fine', 'inside', 'pipe', 'secret', 'twin', 'ü'].toSorted())
    expect(manifest.refused).toContainEqual({ path: 'secret', reason: 'it is a link, to /etc/passwd' })
    expect(manifest.files).toHaveLength(2)
  })

  test('that is cancelled is stopped, and gives what it has', async () => {
    const stopping = new AbortController()
    const say: Control['say'] = (_, line) => line === 'runs' && stopping.abort(cancelled('rain'))
    const prepared = prepare('echo x > /results/x; echo runs; sleep 98767', { say, signal: stopping.signal })
    const { outcome, manifest } = await runs(prepared)
    expect(outcome).toMatchObject({ outcome: 'failed', reason: 'The run was cancelled: rain' })
    expect(manifest.files).toHaveLength(1)
  })

  test('that cannot be started has failed, with what the engine says', async () => {
    const { outcome } = await runs(prepare('x', {}, { memory: 64 * 2 ** 20, image: await unstartable() }))
    expect(outcome.reason).toMatch(/^it could not be started: .*not found|no such file/)
  })
  const unstartable = async () => {
    const { id } = await buildImage({
      engine: engineAt(host),
      folder: temporaryFolder(),
      dockerfile: 'FROM scratch\nLABEL a=b\n',
      tag: `millrace-test/empty-${process.pid}:1`,
      labels: { 'millrace.test': 'empty' },
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
    const root = temporaryFolder()
    const trial = { image, script: 'echo x > /results/x', experiment }
    const prepared = { root, experiment, ...deliver(root, host, trial, { say }) }
    const running = runs(prepared)
    await Promise.race([waits.promise, running]).finally(() => down.start())
    expect((await running.finally(() => down.stop())).outcome.outcome).toBe('succeeded')
  })

  test('cannot begin where the registry stays down, and may be asked for again', async () => {
    const image = `127.0.0.1:9/none@sha256:${'0'.repeat(64)}`
    const prepared = prepare('true', limits({ registryPatience: 500 }), { image })
    await expect(runExperiment(prepared.control)).rejects.toThrow(/could not fetch .* from the registry 127.0.0.1:9/)
    expect(await leftOf(prepared.experiment)).toBe('')
  })

  test('leaves alone what belongs to others on the same engine, though it is of the same experiment on another node', async () => {
    const label = `millrace.experiment=control-${process.pid}-shared`
    const stranger = await docker('run', '-d', '--label', 'millrace.experiment=other', base, 'sleep', '300')
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
