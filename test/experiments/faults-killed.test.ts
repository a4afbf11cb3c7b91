import { existsSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Recorded } from '#contracts/envelope'
import type { StepName } from '#contracts/experiment-parts'
import { waitsOf } from '#contracts/experiment-waits'
import { untilTold, withTestbed } from './bed.ts'
import { engineForTests } from './engine.ts'
import { altered, countOf, eventually, failedAt, reasonOf, type Seen } from './seen.ts'

const engine = await engineForTests()

/** Says numbered lines until its sensor lets it end. */
const counting =
  'n=0; head -c 20000000 /dev/urandom > /results/large; while ! grep -q go /sensor; do n=$((n+1)); echo line $n; sleep 0.05; done; echo $n > /results/b.txt'

/** What whoever writes a file or a folder calls it until it is whole; the last is rsync's. */
const halfDone = /draft|\.former$|\.taking$|^\..+\.[A-Za-z0-9]{6}$/

type HostName = 'portal' | 'north' | 'south' | 'three'

const succeeds =
  (part: string, step: string) =>
  ({ type, data }: Recorded): boolean => {
    const of = data as { readonly part?: string; readonly step?: string }
    return type === 'experiment.step-succeeded' && of.part === part && of.step === step
  }

/** What is recorded when a part has come to a step, or to a phase of it. */
const comesTo =
  (part: string, step: string, phase?: string) =>
  ({ type, data }: Recorded): boolean => {
    const of = data as { readonly part?: string; readonly step?: string; readonly phase?: string }
    const isIt = of.part === part && of.step === step
    return isIt && (phase === undefined ? type === 'experiment.step-started' : of.phase === phase)
  }

/** Does harm to a file, in such a way that neither its size nor its time tells; gives what puts it back as it was. */
const harm = (file: string, how: 'altered' | 'lost'): (() => void) => {
  const bytes = readFileSync(file)
  const { atime, mtime } = statSync(file)
  const write = (what: Buffer) => {
    writeFileSync(file, what)
    utimesSync(file, atime, mtime)
  }
  if (how === 'lost') rmSync(file)
  else write(Buffer.alloc(bytes.length, '?'))
  return () => write(bytes)
}

describe.runIf(engine)('a host that is killed and started again', { timeout: 240_000 }, () => {
  if (!engine) return
  const bed = withTestbed(engine)

  /** Kills hosts at once as soon as something is recorded, and starts them again. */
  const killAt = async (id: string, happens: ReturnType<typeof comesTo>, ...names: readonly HostName[]) => {
    await bed.until(id, ({ events }) => events.some(happens))
    await Promise.all(names.map((name) => bed.testbed().hosts[name].kill()))
    await Promise.all(names.map((name) => bed.testbed().hosts[name].start()))
  }

  /** What a container on an end node has said, as it is told. */
  const linesOf = async (id: string, part: string): Promise<readonly string[]> => {
    const said = await bed.testbed().millrace('experiment', 'logs', id, '--part', part, '--step', 'run', '--json')
    return said.split('\n').flatMap((line) => /line \d+/.exec(line)?.[0] ?? [])
  }

  /** Kills a host in the midst of what a container says. */
  const killInRun = async (id: string, part: string, name: HostName) => {
    const runs = ['--filter', `label=millrace.experiment=${id}`, '--filter', `label=millrace.node=${part}`]
    await eventually(async () => {
      const container = await engine.docker('ps', '-q', ...runs)
      return container !== '' && (await engine.docker('logs', container)).includes('line 30')
    }, 'it has said thirty lines')
    await bed.testbed().hosts[name].kill()
    await bed.testbed().hosts[name].start()
  }

  /** All that a tag of the registry has ever named, by digest. */
  const pushedTo = (id: string, tag: string): readonly string[] =>
    readdirSync(
      join(
        bed.testbed().folder,
        'registry/images/docker/registry/v2/repositories',
        id,
        '_manifests/tags',
        tag,
        'index/sha256',
      ),
    )

  test('goes on at each step, and nothing is built, delivered or run a second time', async () => {
    const [two, three] = ['north/two', 'south/three']
    const id = await bed.create({
      sites: ['north', 'south'],
      script: counting,
      large: 10_000_000,
      // A layer that takes a while to be made, and one that takes a while to be pushed.
      build: ['RUN sleep 1', 'RUN head -c 30000000 /dev/urandom > /large'],
    })
    for (const node of ['two', 'three']) bed.sense(node, 'wait')
    await bed.order('carol', id, 'initiate')
    await killAt(id, comesTo('portal/self', 'fetch'), 'portal')
    await killAt(id, comesTo('north/self', 'ship'), 'portal')
    await killAt(id, comesTo('north/self', 'build', 'instructing'), 'portal')
    await Promise.all([
      killAt(id, comesTo('north/self', 'build', 'building'), 'north').then(() =>
        killAt(id, comesTo('north/self', 'build', 'pushing'), 'north'),
      ),
      killAt(id, comesTo('south/self', 'build', 'pushing'), 'south'),
    ])
    await bed.until(id, bed.isBuilt)
    await bed.order('olga', id, 'move-to-testbed', { nodes: [two, three] })
    await killAt(id, comesTo(two, 'deliver'), 'north', 'south')
    await bed.until(id, bed.isAt('deliver', 'succeeded', two, three))
    await bed.order('olga', id, 'mark-ready')
    await bed.order('olga', id, 'run')
    await Promise.all([
      killAt(id, comesTo(two, 'run', 'fetching-image'), 'north').then(() => killInRun(id, two, 'north')),
      killAt(id, comesTo(three, 'run', 'fetching-image'), 'three').then(() => killInRun(id, three, 'three')),
    ])
    for (const node of ['two', 'three']) bed.sense(node, 'go')
    await Promise.all([
      killAt(id, comesTo(two, 'run', 'collecting'), 'north'),
      killAt(id, comesTo(three, 'run', 'collecting'), 'three').then(() =>
        killAt(id, (event) => comesTo(three, 'run', 'cleaning')(event) || succeeds(three, 'run')(event), 'three'),
      ),
      killAt(id, comesTo(three, 'collect', 'collecting'), 'south'),
    ])
    await bed.until(id, bed.isAt('collect', 'succeeded', two, three))
    await bed.order('olga', id, 'submit')
    await killAt(id, comesTo('north/self', 'pull'), 'portal')
    await killAt(id, comesTo('north/self', 'upload'), 'portal')
    const seen = await bed.until(id, bed.isAt('upload', 'succeeded', 'north/self', 'south/self'))

    expect(countOf(seen, 'step-failed')).toEqual({})
    expect(Object.values(countOf(seen, 'step-succeeded'))).toEqual(Array.from({ length: 17 }, () => 1))
    // What was under way when its host was killed was taken up again.
    const began = countOf(seen, 'step-started')
    for (const step of [
      ...['portal/self fetch', 'north/self ship', 'north/self build', 'south/self build', `${two} deliver`],
      ...[`${two} run`, `${three} run`, 'north/self pull'],
    ])
      expect([step, (began[step] ?? 0) > 1]).toEqual([step, true])
    for (const steps of Object.values(seen.experiment.parts))
      for (const step of Object.values(steps)) expect(step).toMatchObject({ state: 'succeeded', try: 1 })
    expect(bed.started(id)).toBe(2)
    for (const site of ['north', 'south']) expect([site, pushedTo(id, `1-${site}`).length]).toEqual([site, 1])
    const { folder } = bed.testbed()
    for (const part of [two, three]) {
      const results = join(folder, 'portal/directories/carol', id, part)
      expect(altered(results)).toEqual([])
      const said = Number(readFileSync(join(results, 'files/b.txt'), 'utf8'))
      const heard = await linesOf(id, part)
      expect([...new Set(heard)]).toEqual(Array.from({ length: said }, (_, at) => `line ${at + 1}`))
      expect(heard.length - said).toBeLessThan(said / 2)
    }
    expect(await bed.left(id)).toEqual([])
    const left = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
      (path) => path.includes(id) && halfDone.test(basename(path)),
    )
    expect(left).toEqual([])
  })

  test('is waited for by name where it is away from the beginning, and holds up nobody else', async () => {
    const { hosts, millrace } = bed.testbed()
    const [one, three] = ['north/one', 'south/three']
    /** What is told of an experiment that waits for somebody to take a step. */
    const waitsFor = async (id: string, seen: Seen, part: string, step: StepName, state: string) => {
      expect(seen.experiment.parts[part]?.[step]?.state).toBe('scheduled')
      expect(waitsOf(seen.experiment)).toContainEqual(
        expect.objectContaining({ waitsFor: 'machine', what: step, part }),
      )
      const { parts } = JSON.parse(await millrace('experiment', 'show', id, '--json'))
      expect(parts).toContainEqual(expect.objectContaining({ part, state, ended: '' }))
    }
    await hosts.south.kill()
    const id = await bed.create({ sites: ['north', 'south'] })
    await bed.order('carol', id, 'initiate')
    const seen = await bed.until(
      id,
      (now) => bed.isAt('build', 'succeeded', 'north/self')(now) && bed.isAt('ship', 'succeeded', 'south/self')(now),
    )
    await waitsFor(id, seen, 'south/self', 'build', 'building')
    await bed.order('olga', id, 'move-to-testbed', { nodes: [one] })
    await bed.until(id, bed.isAt('deliver', 'succeeded', one))
    await hosts.south.start()
    await bed.until(id, bed.isBuilt)
    await hosts.three.kill()
    await bed.order('olga', id, 'move-to-testbed', { nodes: [three] })
    await bed.until(id, bed.isAt('deliver', 'succeeded', one, three))
    await bed.order('olga', id, 'mark-ready')
    await bed.order('olga', id, 'run')
    await waitsFor(id, await bed.until(id, bed.isAt('collect', 'succeeded', one)), three, 'run', 'running')
    await hosts.three.start()
    await bed.until(id, bed.isAt('collect', 'succeeded', one, three))
    await bed.order('olga', id, 'submit')
    await killAt(id, comesTo('north/self', 'pull'), 'portal')
    const after = await bed.until(id, bed.isAt('upload', 'succeeded', 'north/self', 'south/self'))
    expect(countOf(after, 'step-failed')).toEqual({})
    expect([bed.started(id), await bed.left(id)]).toEqual([2, []])
  })

  test('names results that were altered meanwhile, and has them once they are as they were', async () => {
    const [one, two, site] = ['north/one', 'north/two', 'north/self']
    const { folder, hosts } = bed.testbed()
    for (const node of ['one', 'two']) bed.sense(node, 'wait')
    const id = await bed.running({ sites: ['north'], count: 2, script: untilTold }, one, two)
    const failure = async (part: string, step: StepName, tries: number) =>
      reasonOf(await bed.until(id, failedAt(part, step, tries)), part, step)
    const retry = (part: string, step: StepName) => bed.order('olga', id, 'retry', { part, step })
    await bed.until(id, ({ experiment }) => experiment.parts[one]?.run?.phase === 'running')
    bed.sense('two', 'go')
    await bed.until(id, bed.isAt('collect', 'succeeded', two))
    await hosts.north.kill()
    bed.sense('one', 'go')
    await bed.until(id, bed.isAt('run', 'succeeded', one))
    const there = join(folder, 'nodes/one/experiments', id, 'results/1-1/files')
    const here = join(folder, 'north/experiments', id, 'results')
    const harmed = [harm(join(there, 'a.txt'), 'altered'), harm(join(there, 'b.txt'), 'lost')]
    await hosts.north.start()
    const reason = await failure(one, 'collect', 1)
    expect(reason).toMatch(
      /: files\/a\.txt is altered, files\/b\.txt is missing, and they came so twice\. See that .* at north\/one holds/,
    )
    const { parts } = JSON.parse(await bed.testbed().millrace('experiment', 'show', id, '--json'))
    expect(parts).toContainEqual(expect.objectContaining({ part: one, ended: 'failed at collect', reason }))
    expect(existsSync(join(here, 'one/1-1/files/a.txt'))).toBe(false)
    for (const mend of harmed) mend()
    await retry(one, 'collect')
    await bed.until(id, bed.isAt('collect', 'succeeded', one, two))

    // At the site: what the node still has is brought there anew; what it has not is nowhere else.
    harm(join(here, 'one/1-1/files/a.txt'), 'altered')
    const mend = harm(join(here, 'two/1-1/files/b.txt'), 'lost')
    await bed.order('olga', id, 'submit')
    expect(await failure(site, 'pull', 1)).toMatch(
      /files\/a\.txt is altered.*retry the step collect of north\/one before/,
    )
    await retry(one, 'collect')
    await bed.until(id, bed.isAt('collect', 'succeeded', one))
    await retry(site, 'pull')
    expect(await failure(site, 'pull', 2)).toMatch(
      /files\/b\.txt is missing.*retry the step collect of north\/two before/,
    )
    await retry(two, 'collect')
    expect(await failure(two, 'collect', 2)).toMatch(
      /no other copy of them: files\/b\.txt is missing\. Put back what was/,
    )
    mend()
    await retry(two, 'collect')
    await bed.until(id, bed.isAt('collect', 'succeeded', two))
    await retry(site, 'pull')
    await bed.until(id, bed.isAt('upload', 'succeeded', site))
    for (const part of [one, two]) expect(altered(join(folder, 'portal/directories/carol', id, part))).toEqual([])
  })
})
