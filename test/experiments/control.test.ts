import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Control, runExperiment } from '#agents/containers/control'
import { cancelled } from '#agents/containers/ending'
import { temporaryFolders } from '../processes.ts'
import { baseImage } from './base-image.ts'
import { engineForTests } from './engine.ts'
import { limits, trialsOn } from './trials.ts'

const temporaryFolder = temporaryFolders()
const engine = await engineForTests()

describe.runIf(engine).concurrent('an experiment', () => {
  const { host, docker } = engine ?? { host: 'unix:///none', docker: async () => '' }
  const { prepare, leftOf, runs, sweep } = trialsOn(host, docker, temporaryFolder)
  let image = ''
  afterAll(sweep)
  beforeAll(async () => {
    image = await docker('images', '-q', '--no-trunc', await baseImage(docker))
  })

  test('that exits with 3 has failed, with what it has given so far', async () => {
    const { outcome, manifest } = await runs(prepare({ image, script: 'echo half > /results/half.txt; exit 3' }))
    expect(outcome).toMatchObject({ outcome: 'failed', exitCode: 3, reason: 'exited with 3' })
    expect(manifest).toMatchObject({ partial: true, files: [{ path: 'half.txt', size: 5 }] })
  })

  test('that fails says what it said last, without what a terminal would act on', async () => {
    const script = [
      'seq 1 100; sleep 0.1; printf "\\033[31mTraceback\\033[0m\\a\\n" >&2; sleep 0.1; echo "  tells"; sleep 0.1',
      'head -c 1000 /dev/zero | tr "\\0" x; echo; sleep 0.1; echo "no module lidar" >&2; exit 1',
    ].join('\n')
    const { outcome } = await runs(prepare({ image, script }))
    expect(outcome.reason).toBe(
      `exited with 1; it said last:\n97\n98\n99\n100\nTraceback\n  tells\n${'x'.repeat(300)} …\nno module lidar`,
    )
  })

  test('that is to be given what its machine does not have can not begin, and says where that is named', async () => {
    const { control, experiment } = prepare({ image, script: 'true', mount: '/nowhere/sensor' })
    await expect(runExperiment(control)).rejects.toThrow(
      /^this machine has no \/nowhere\/sensor, which 'container\.mounts' of its site's file names\. Make it there/,
    )
    expect(await leftOf(experiment)).toBe('')
  })

  test('that was asked for again after its end is not run again', async () => {
    const prepared = prepare({ image, script: 'date > /results/date' })
    const { outcome } = await runs(prepared)
    const date = readFileSync(join(prepared.root, 'results/files/date'), 'utf8')
    expect((await runs(prepared)).outcome).toEqual(outcome)
    expect(readFileSync(join(prepared.root, 'results/files/date'), 'utf8')).toBe(date)
  })

  test('is told what of it the engine still holds where others use that, and is over once they do not', async () => {
    const experiment = `control-${process.pid}-held`
    const held = async () => {
      const volume = await docker('volume', 'ls', '-q', '--filter', `label=millrace.experiment=${experiment}`)
      const holder = ['run', '-d', '--rm', '--network', 'none', '--volume', `${volume}:/held`]
      return docker(...holder, image, 'sh', '-c', 'touch /held/go; sleep 300')
    }
    let holding: Promise<string> | undefined
    const say: Control['say'] = () => {
      holding ??= held()
    }
    const script = 'echo up; while ! test -e /results/go; do sleep 0.1; done'
    const prepared = prepare({ image, script, experiment }, { say })
    try {
      await expect(runExperiment(prepared.control)).rejects.toMatchObject({
        code: 'engine.not-clean',
        message: expect.stringMatching(
          new RegExp(`still holds something of experiment ${experiment}: volume .* in use.*Remove it there by hand`),
        ),
      })
    } finally {
      await docker('rm', '-f', (await holding) ?? '')
    }
    expect((await runs(prepared)).outcome.outcome).toBe('succeeded')
  })

  test('that runs for too long is stopped, though it ignores being told to', async () => {
    const prepared = prepare(
      { image, script: "trap '' TERM; echo x > /results/x; while :; do sleep 1; done" },
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
    const { outcome } = await runs(prepare({ image, script, memory: 16 * 2 ** 20 }))
    expect(outcome.reason).toMatch(/killed .*memory.* its limit is 16 MiB$/)
  })

  test('that forks without end is held by its limit', async () => {
    const prepared = prepare({ image, script: 'f() { f | f & f; }; f', pids: 32 }, limits({ milliseconds: 10_000 }))
    const { outcome } = await runs(prepared)
    expect(outcome.outcome).toBe('failed')
    expect(prepared.lines.some((line) => /can't fork/.test(line))).toBe(true)
  })

  test('that fills its disk is stopped', async () => {
    const script = 'while :; do head -c 1000000 /dev/zero >> /results/zeros; sleep 0.05; done'
    const { outcome, manifest } = await runs(prepare({ image, script }, limits({ disk: 5e6 })))
    expect(outcome.reason).toMatch(/^stopped: it wrote [\d.]+ MiB, its limit is 4.8 MiB$/)
    expect(manifest.refused).toEqual([{ path: 'zeros', reason: 'the results hold more than 4.8 MiB' }])
  })

  test('that says a million lines is heard up to its limit, and longer lines are cut', async () => {
    const prepared = prepare(
      { image, script: "head -c 200000 /dev/zero | tr '\\0' x; echo; seq 1 1000000" },
      limits({ lines: 200_000 }),
    )
    const before = process.memoryUsage().rss
    const { outcome } = await runs(prepared)
    expect(outcome.outcome).toBe('succeeded')
    expect(prepared.lines).toHaveLength(200_001)
    expect(prepared.lines[0]).toMatch(/^x{65536} …$/)
    expect(prepared.lines.slice(1, -1)).toEqual(Array.from({ length: 199_999 }, (_, at) => String(at + 1)))
    expect(prepared.lines.at(-1)).toBe('… it writes more than 200000 lines; the rest is not kept')
    expect(process.memoryUsage().rss - before).toBeLessThan(200e6)
  })

  test('that leaves links, pipes and odd names loses these alone', async () => {
    const script = [
      'cd /results; echo fine > fine; ln -s /etc/passwd secret; ln -s /etc inside; ln fine twin; mkfifo pipe',
      'echo odd > "$(printf "a\\nb")"; mkdir -p empty; echo ok > ü',
    ].join('\n')
    const { outcome, manifest } = await runs(prepare({ image, script }))
    expect(outcome).toMatchObject({ outcome: 'succeeded', results: { partial: true } })
    const named = [...manifest.files, ...manifest.refused].map(({ path }) => path)
    expect(named.toSorted()).toEqual(['a\nb', 'fine', 'inside', 'pipe', 'secret', 'twin', 'ü'].toSorted())
    expect(manifest.refused).toContainEqual({ path: 'secret', reason: 'it is a link, to /etc/passwd' })
    expect(manifest.files).toHaveLength(2)
  })

  test('that is cancelled is stopped, and gives what it has', async () => {
    const stopping = new AbortController()
    const say: Control['say'] = (_, line) => line === 'runs' && stopping.abort(cancelled('rain'))
    const prepared = prepare(
      { image, script: 'echo x > /results/x; echo runs; sleep 98767' },
      { say, signal: stopping.signal },
    )
    const { outcome, manifest } = await runs(prepared)
    expect(outcome).toMatchObject({ outcome: 'failed', reason: 'The run was cancelled: rain' })
    expect(manifest.files).toHaveLength(1)
  })
})
