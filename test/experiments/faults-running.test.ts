import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { subStateOf } from '#contracts/experiment-standing'
import { untilTold, withTestbed } from './bed.ts'
import { engineForTests } from './engine.ts'
import { engineAhead } from './engine-proxy.ts'
import { countOf, eventually, failedAt, reasonOf } from './seen.ts'

const engine = await engineForTests()

/** Fails in the way that its sensor names. */
const asSensed = `
hang() { trap 'exit 143' TERM; while true; do sleep 0.2; done; }
echo one > /results/a.txt
case $(cat /sensor) in
  exit) exit 3 ;;
  disk) head -c 20000000 /dev/zero > /results/large; hang ;;
  memory) tail /dev/zero ;;
  hang) hang ;;
  links) ln -s /etc/passwd /results/link; mkfifo /results/pipe ;;
esac
`

describe.runIf(engine)('what goes wrong once an experiment is in the testbed', { timeout: 240_000 }, () => {
  if (!engine) return
  let mounted: string | undefined
  const disks: string[] = []
  /** A disk of its own, which is soon full. */
  const mount = (folder: string): string => {
    mkdirSync(folder, { recursive: true })
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder])
    disks.push(folder)
    return folder
  }
  let ahead: Awaited<ReturnType<typeof engineAhead>> | undefined
  const bed = withTestbed(engine, {
    adjust: async (name, file, folder) => {
      if (name === 'south') return { ...file, container: { memory: 32 * 1024 * 1024 } }
      if (name === 'three') {
        ahead = await engineAhead(engine.host)
        return { ...file, engine: ahead.host, registryPatience: 5_000, container: { disk: 5_000_000 } }
      }
      if (name !== 'north') return file
      mounted = mount(join(folder, 'north/experiments'))
      for (const node of ['one', 'two', 'three']) mount(join(folder, 'nodes', node, 'experiments'))
      return file
    },
  })
  afterAll(() => {
    for (const disk of disks) execFileSync('umount', ['--lazy', disk])
  })
  /** Leaves no space on a disk; gives what makes room again. */
  const fill = (disk: string): (() => void) => {
    const filler = join(disk, 'filler')
    expect(() => execFileSync('dd', ['if=/dev/zero', `of=${filler}`, 'bs=64k'], { stdio: 'pipe' })).toThrow(/No space/)
    return () => rmSync(filler)
  }
  afterAll(() => ahead?.stop())

  const failsAt = async (id: string, part: string, step: 'ship' | 'deliver' | 'run', tries: number, reason: RegExp) => {
    const seen = await bed.until(id, failedAt(part, step, tries))
    expect(reasonOf(seen, part, step)).toMatch(reason)
    return seen
  }
  const shown = async (id: string) => JSON.parse(await bed.testbed().millrace('experiment', 'show', id, '--json'))

  test('is told that there is no space at a site, or no way to a node, and goes on once there is', async () => {
    const [site, node] = ['north/self', 'north/two']
    const id = await bed.create({ sites: ['north'], build: ['COPY large /large'], large: 3_000_000 })
    await bed.order('carol', id, 'initiate')
    await failsAt(id, site, 'ship', 1, /no space left at 127\.0\.0\.1.*Free some/s)
    expect((await shown(id)).parts).toMatchObject([{ part: site, state: 'shipping', ended: 'failed at ship' }])
    execFileSync('mount', ['-o', 'remount,size=100m', mounted ?? ''])
    await bed.order('olga', id, 'retry', { part: site, step: 'ship' })
    await bed.until(id, bed.isBuilt)

    const { sshd } = bed.testbed()
    await sshd.two.kill()
    await bed.order('olga', id, 'move-to-testbed', { nodes: [node] })
    await failsAt(id, node, 'deliver', 1, /can't be reached over ssh: nobody listens there/)
    expect(await shown(id)).toMatchObject({
      mode: 'TESTBED',
      status: 'deploying',
      parts: [{ ended: 'failed at deliver' }],
    })
    await sshd.two.start()
    await bed.order('olga', id, 'retry', { part: node, step: 'deliver' })
    await bed.until(id, bed.isAt('deliver', 'succeeded', node))
    expect(existsSync(join(mounted ?? '', '.delivered', id, 'two'))).toBe(false)

    // What the run leaves waits in its container for room at the site.
    await bed.order('olga', id, 'mark-ready')
    const makeRoom = fill(mounted ?? '')
    await bed.order('olga', id, 'run')
    const log = join(bed.testbed().folder, 'logs/north.log')
    await eventually(() => /The results can't be kept here.*trying again/.test(readFileSync(log, 'utf8')), 'it waits')
    makeRoom()
    const seen = await bed.until(id, bed.isAt('collect', 'succeeded', node))
    expect(seen.experiment.parts[node]?.run).toMatchObject({ state: 'succeeded', try: 1, results: { files: 2 } })
    expect([bed.started(id), await bed.left(id)]).toEqual([1, []])
    await bed.order('olga', id, 'submit')
  })

  test('is told that there is no space on an end node, has nothing left over there, and goes on once there is', async () => {
    const [one, two, three] = ['north/one', 'north/two', 'south/three']
    const { folder } = bed.testbed()
    const diskOf = (part: string) => join(folder, 'nodes', part.split('/')[1] ?? '', 'experiments')
    for (const node of ['one', 'two', 'three']) bed.sense(node, 'wait')
    const [id, other] = await Promise.all([
      bed.built({ sites: ['north'], count: 2, script: untilTold }),
      bed.built({ script: untilTold }),
    ])
    const room = [one, two].map((part) => fill(diskOf(part)))
    await bed.order('olga', id, 'move-to-testbed', { nodes: [one, two] })
    for (const part of [one, two]) {
      await failsAt(id, part, 'deliver', 1, /There is no space left at 127\.0\.0\.1 to .*Free some, and try again/s)
      expect(existsSync(join(diskOf(part), id))).toBe(false)
    }
    expect((await shown(id)).parts).toMatchObject([{ ended: 'failed at deliver' }, { ended: 'failed at deliver' }])
    for (const make of room) make()
    for (const part of [one, two]) await bed.order('olga', id, 'retry', { part, step: 'deliver' })
    await bed.until(id, bed.isAt('deliver', 'succeeded', one, two))
    await bed.order('olga', id, 'mark-ready')
    await bed.order('olga', id, 'run')

    // Where no rsync comes, the agent writes the Compose file before it runs that.
    await bed.toTestbed(other, three)
    const makeRoom = fill(diskOf(three))
    await bed.order('olga', other, 'run')
    await failsAt(other, three, 'run', 1, /There is no space left at .* to keep .*docker-compose\.yml.*Free some/s)
    expect(existsSync(join(diskOf(three), other))).toBe(false)
    makeRoom()
    await bed.order('olga', other, 'retry', { part: three, step: 'run' })

    const isRunning = ({ experiment: { parts } }: Awaited<ReturnType<typeof bed.see>>) =>
      [one, two].every((part) => parts[part]?.run?.phase === 'running')
    await bed.until(id, isRunning)
    const makeRoomAgain = fill(diskOf(one))
    for (const node of ['one', 'two', 'three']) bed.sense(node, 'go')
    const log = join(folder, 'logs/one.log')
    await eventually(() => /The results can't be kept here.*trying again/.test(readFileSync(log, 'utf8')), 'it waits')
    makeRoomAgain()
    const { experiment } = await bed.until(id, bed.isAt('collect', 'succeeded', one, two))
    for (const part of [one, two]) expect(experiment.parts[part]?.run).toMatchObject({ try: 1, results: { files: 2 } })
    await bed.until(other, bed.isAt('collect', 'succeeded', three))
    for (const [each, runs] of [
      [id, 2],
      [other, 1],
    ] as const) {
      expect([bed.started(each), await bed.left(each)]).toEqual([runs, []])
      await bed.order('olga', each, 'submit')
    }
  })

  test('is told why a container failed, has what it left, and runs again', async () => {
    const node = 'south/three'
    bed.sense('three', 'exit')
    const id = await bed.running({ script: asSensed }, node)
    await failsAt(id, node, 'run', 1, /^exited with 3$/)
    const collected = ({ experiment: { parts } }: Awaited<ReturnType<typeof bed.see>>) =>
      parts[node]?.collect?.state === 'succeeded'
    const { experiment } = await bed.until(id, collected)
    expect(experiment.parts[node]?.run?.results).toMatchObject({ files: 1, partial: true })
    expect(await shown(id)).toMatchObject({
      ...{ mode: 'TESTBED', status: 'ready' },
      parts: [{ part: node, state: 'cleaned', ended: 'failed at run', reason: 'exited with 3' }],
    })
    expect(await bed.left(id)).toEqual([])
    bed.sense('three', 'disk')
    await bed.order('olga', id, 'retry', { part: node, step: 'run' })
    await failsAt(id, node, 'run', 2, /stopped: it wrote .*MiB, its limit is 4\.8 MiB/)
    await bed.until(id, collected)
    bed.sense('three', 'memory')
    await bed.order('olga', id, 'retry', { part: node, step: 'run' })
    await failsAt(id, node, 'run', 3, /^killed for memory: its limit is 32 MiB$/)
    await bed.until(id, collected)
    bed.sense('three', 'hang')
    await bed.order('olga', id, 'retry', { part: node, step: 'run' })
    await bed.until(
      id,
      ({ experiment: { parts } }) => parts[node]?.run?.try === 4 && parts[node].run.phase === 'running',
    )
    ahead?.set(1)
    const { events } = await failsAt(id, node, 'run', 4, /^stopped: it ran for longer than its 60 min$/)
    expect(events).toContainEqual(
      expect.objectContaining({
        type: 'experiment.step-failed',
        data: expect.objectContaining({
          step: 'run',
          try: 4,
          results: expect.objectContaining({ files: 1, partial: true }),
        }),
      }),
    )
    expect((await shown(id)).parts).toMatchObject([
      { part: node, ended: 'failed at run', reason: expect.stringMatching(/longer than its 60 min/) },
    ])
    ahead?.set(0)
    await bed.until(id, collected)
    expect(await bed.left(id)).toEqual([])
    bed.sense('three', 'links')
    await bed.order('olga', id, 'retry', { part: node, step: 'run' })
    const seen = await bed.until(id, bed.isAt('collect', 'succeeded', node))
    expect(seen.experiment.parts[node]?.run).toMatchObject({ try: 5, run: 5, results: { files: 1, refused: 2 } })
    const manifest = readFileSync(
      join(bed.testbed().folder, 'south/experiments', id, 'results/three/1-5/manifest.json'),
      'utf8',
    )
    expect(JSON.parse(manifest).refused).toMatchObject([
      { path: 'link', reason: expect.stringContaining('it is a link, to /etc/passwd') },
      { path: 'pipe' },
    ])
    expect([bed.started(id), await bed.left(id)]).toEqual([5, []])
    await bed.order('olga', id, 'submit')
  })

  test('waits for a registry that comes back, and names one that does not, without a container', async () => {
    const node = 'south/three'
    bed.sense('three', 'go')
    const id = await bed.built({ script: untilTold })
    await bed.toTestbed(id, node)
    const { registry } = bed.testbed()
    await registry.kill()
    await bed.order('olga', id, 'run')
    await failsAt(
      id,
      node,
      'run',
      1,
      /could not fetch .* from the registry 127\.0\.0\.1:\d+.*See that the registry runs/s,
    )
    expect([bed.started(id), await bed.left(id)]).toEqual([0, []])
    await bed.order('olga', id, 'retry', { part: node, step: 'run' })
    const { experiment } = await bed.until(id, ({ experiment }) => subStateOf(experiment, node).reason !== undefined)
    expect(subStateOf(experiment, node)).toMatchObject({
      state: 'running',
      reason: /; it is tried again for up to 5 s$/,
    })
    await registry.start()
    const seen = await bed.until(id, bed.isAt('collect', 'succeeded', node))
    expect(countOf(seen, 'step-failed')).toEqual({ [`${node} run`]: 1 })
    expect([bed.started(id), await bed.left(id)]).toEqual([1, []])
  })
})
