import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Control, runExperiment } from '#agents/containers/control'
import { readManifest, verifyManifest } from '#agents/containers/manifest'
import { run, temporaryFolders } from '../processes.ts'
import { baseImage } from './base-image.ts'
import { engineForTests, removeAll } from './engine.ts'
import { proxyTo } from './engine-proxy.ts'
import { deliver } from './experiment.ts'

const temporaryFolder = temporaryFolders()
const engine = await engineForTests()

describe.runIf(engine).concurrent('an experiment that nobody watches for a while', () => {
  const { host, docker } = engine ?? { host: 'unix:///none', docker: async () => '' }
  let base = ''
  beforeAll(async () => {
    base = await docker('images', '-q', '--no-trunc', await baseImage(docker))
  })
  let count = 0
  const name = () => `again-${process.pid}-${++count}`
  afterAll(async () => {
    for (; count > 0; count--) await removeAll(docker, `again-${process.pid}-${count}`)
  })
  const containers = (experiment: string) =>
    docker('ps', '-aq', '--no-trunc', '--filter', `label=millrace.experiment=${experiment}`)
  const started = 'echo started >> /results/starts; echo one;'

  /** Runs a trial in a process that is killed once it has said `one`; resolves with when that was said, and with the container. */
  const killedIn = async (
    root: string,
    experiment: string,
    script: string,
    limits: Partial<Control['limits']> = {},
  ) => {
    const trial = JSON.stringify({ image: base, script, experiment })
    const child = run(process.execPath, [
      ...['--conditions=source', join(import.meta.dirname, 'run-child.ts')],
      ...[root, host, trial, JSON.stringify(limits)],
    ])
    const [, heardUntil] = await child.says(/^(\S+Z) one$/m)
    child.child.kill('SIGKILL')
    await child.ended
    return { heardUntil, container: await containers(experiment) }
  }
  const again = async (root: string, experiment: string, more: Partial<Control> = {}) => {
    const { control, phases, lines } = deliver(root, host, { image: base, script: 'exit 9', experiment }, more)
    const outcome = await runExperiment(control)
    expect(await containers(experiment)).toBe('')
    const manifest = await readManifest(join(root, 'results/manifest.json'))
    expect(verifyManifest(join(root, 'results/files'), manifest)).toEqual([])
    return { outcome, phases, lines, manifest }
  }

  test('is found again while it runs, was started once, and says nothing twice', async () => {
    const [root, experiment] = [temporaryFolder(), name()]
    const script = `${started} while [ ! -e /results/go ]; do sleep 0.1; done; echo two`
    const { container, heardUntil } = await killedIn(root, experiment, script)
    expect(container).toMatch(/^[0-9a-f]{64}$/)
    const phase: Control['phase'] = (now) => {
      if (now === 'running')
        void containers(experiment).then(async (found) => {
          expect(found).toBe(container)
          await docker('exec', found, 'touch', '/results/go')
        })
    }
    const { outcome, lines, manifest } = await again(root, experiment, { phase, heardUntil })
    expect(outcome).toMatchObject({ outcome: 'succeeded', exitCode: 0 })
    expect(lines).toEqual(['two'])
    expect(manifest.files.find(({ path }) => path === 'starts')?.size).toBe('started\n'.length)
  })

  test('is found again when it is over, and its results are taken', async () => {
    const [root, experiment] = [temporaryFolder(), name()]
    const { container } = await killedIn(root, experiment, `${started} sleep 1; exit 4`)
    await docker('wait', container)
    const { outcome, phases, manifest } = await again(root, experiment)
    expect(outcome).toMatchObject({ outcome: 'failed', exitCode: 4, results: { partial: true } })
    expect(phases).toEqual(['running', 'collecting', 'cleaning'])
    expect(manifest.files.map(({ size }) => size)).toEqual(['started\n'.length])
  })

  test('has failed where its container is gone, and is never started anew', async () => {
    const [root, experiment] = [temporaryFolder(), name()]
    const { container } = await killedIn(root, experiment, `${started} sleep 300`)
    await docker('rm', '-f', '-v', container)
    const { outcome, phases } = await again(root, experiment)
    expect(outcome).toMatchObject({
      outcome: 'failed',
      reason: 'it had begun, and its container is gone: it is not started a second time',
    })
    expect(phases).toEqual(['cleaning'])
  })

  test('has failed where somebody removes its container while it runs', async () => {
    const [root, experiment] = [temporaryFolder(), name()]
    const say: Control['say'] = (_, line) => {
      if (line === 'one') void containers(experiment).then((found) => docker('rm', '-f', found))
    }
    const { control } = deliver(root, host, { image: base, script: `${started} sleep 300`, experiment }, { say })
    const outcome = await runExperiment(control)
    expect(outcome).toMatchObject({ outcome: 'failed', results: { files: 0, partial: true }, clean: true })
    expect(outcome.reason).toMatch(/its container is gone|exited with 137/)
  })

  test('may run no longer for it: its time counts from its start', async () => {
    const [root, experiment] = [temporaryFolder(), name()]
    const { container } = await killedIn(root, experiment, `${started} exec sleep 300`)
    const startedAt = Date.parse(await docker('inspect', '-f', '{{.State.StartedAt}}', container))
    await expect.poll(() => Date.now() - startedAt).toBeGreaterThan(2_000)
    const limits = { milliseconds: 2_000 } as Control['limits']
    const { outcome } = await again(root, experiment, { limits })
    expect(outcome.reason).toBe('stopped: it ran for longer than its 2 s')
  })

  test('goes on where its engine was away for a while', async () => {
    const [root, experiment] = [temporaryFolder(), name()]
    const socket = join(root, 'engine.sock')
    const first = await proxyTo(host, socket)
    const phase: Control['phase'] = (now) => now === 'running' && lines.push('running')
    const lines: string[] = []
    const heard = Promise.withResolvers<void>()
    const say: Control['say'] = (_, line) => {
      lines.push(line)
      if (line === 'one') heard.resolve()
    }
    const script = `${started} while [ ! -e /results/go ]; do sleep 0.1; done; echo two`
    const trial = { image: base, script, experiment }
    const { control } = deliver(root, host, trial, { docker: { host: `unix://${socket}` }, phase, say })
    const running = runExperiment(control)
    await Promise.race([running, heard.promise])
    await first.cut()
    await docker('exec', await containers(experiment), 'touch', '/results/go')
    await docker('wait', await containers(experiment))
    const second = await proxyTo(host, socket)
    try {
      expect(await running).toMatchObject({ outcome: 'succeeded', exitCode: 0, clean: true })
    } finally {
      await second.cut()
    }
    expect(lines).toEqual(['running', 'one', 'two'])
  })

  test('runs on where the process that watches it is to stop, and is found again', async () => {
    const [root, experiment] = [temporaryFolder(), name()]
    const stopping = new AbortController()
    const reason = new Error('this process stops')
    const say: Control['say'] = (_, line) => line === 'one' && stopping.abort(reason)
    const trial = { image: base, script: `${started} sleep 3; echo two`, experiment }
    const { control } = deliver(root, host, trial, { say, signal: stopping.signal })
    await expect(runExperiment(control)).rejects.toBe(reason)
    const container = await containers(experiment)
    expect(await docker('inspect', '-f', '{{.State.Running}}', container)).toBe('true')
    const { outcome, manifest } = await again(root, experiment)
    expect(outcome.outcome).toBe('succeeded')
    expect(manifest.files.map(({ size }) => size)).toEqual(['started\n'.length])
  })
})
