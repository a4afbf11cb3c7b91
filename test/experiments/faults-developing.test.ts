import {
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { baseImage } from './base-image.ts'
import { usual, withTestbed } from './bed.ts'
import { engineForTests } from './engine.ts'
import type { repository } from './repository.ts'
import { altered, countOf, eventually, reasonOf } from './seen.ts'

const engine = await engineForTests()

type Code = ReturnType<typeof repository>

describe.runIf(engine)('what goes wrong before an experiment is built', { timeout: 240_000 }, () => {
  if (!engine) return
  const bed = withTestbed(engine, {
    adjust: (name, file) => {
      if (name === 'portal') return { ...file, source: { bytes: 1_000_000 } }
      return name === 'south' ? { ...file, registryPatience: 5_000 } : file
    },
  })
  const failsAt = async (id: string, part: string, step: 'fetch' | 'ship' | 'build', reason: RegExp) => {
    const seen = await bed.until(id, bed.isAt(step, 'failed', part))
    expect(reasonOf(seen, part, step)).toMatch(reason)
    const shown = JSON.parse(await bed.testbed().millrace('experiment', 'show', id, '--json'))
    expect(shown).toMatchObject({ mode: 'Development', status: 'deploying' })
    expect(shown.parts).toContainEqual(
      expect.objectContaining({ ended: `failed at ${step}`, reason: expect.stringMatching(reason) }),
    )
  }
  const at = (...names: string[]) => join(bed.testbed().folder, ...names)
  const begin = async (wanted: Parameters<typeof bed.create>[0]) => {
    const id = await bed.create(wanted)
    await bed.order('carol', id, 'initiate')
    return id
  }
  const goesOn = async (id: string, part: string, step: string) => {
    await bed.order('olga', id, 'retry', { part, step })
    return bed.until(id, bed.isBuilt)
  }

  test('is told of a repository that is not there, and goes on once it is', async () => {
    const id = await begin({ link: `file://${at('repositories/later')}` })
    await failsAt(id, 'portal/self', 'fetch', /repositories\/later.*(not|no) /s)
    const left = [at('portal/experiments/.fetched', id), at('portal/experiments/south', id, 'config.yaml')]
    expect(left.filter(existsSync)).toEqual([])
    renameSync(bed.newRepository({}).folder, at('repositories/later'))
    await goesOn(id, 'portal/self', 'fetch')
  })

  test('is told of a line of config.yaml, and goes on once that is right', async () => {
    const repository = bed.newRepository({
      config: 'device: { type: Rover, capabilities: [thermometer] }\ncode:\n  dependencies: [numpy, "--index-url=x"]\n',
    })
    const id = await begin({ link: repository.link })
    await failsAt(id, 'portal/self', 'fetch', /config\.yaml.*3.*expected a name/s)
    expect(existsSync(at('portal/experiments/.fetched', id))).toBe(false)
    repository.write({
      'config.yaml': 'device: { type: Rover, capabilities: [thermometer] }\ncode: { dependencies: [] }\n',
    })
    repository.commit()
    await goesOn(id, 'portal/self', 'fetch')
  })

  test.each<[string, RegExp, (code: Code) => void, (code: Code) => void]>([
    [
      'is too large',
      /large is 1\.9 MiB, and all files together may be .*Keep large data elsewhere/,
      ({ write }) => write({ large: 'x'.repeat(2_000_000) }),
      ({ folder }) => rmSync(join(folder, 'large')),
    ],
    [
      'has no config.yaml',
      /no config\.yaml\. Put one there, such as:\ndevice: /,
      ({ folder }) => renameSync(join(folder, 'config.yaml'), join(folder, 'config')),
      ({ folder }) => renameSync(join(folder, 'config'), join(folder, 'config.yaml')),
    ],
    [
      'has nothing that could run',
      /neither src\/main\.py, which is what runs, nor a Dockerfile.*Put one of them there/,
      ({ folder }) => renameSync(join(folder, 'Dockerfile'), join(folder, 'Dockerfile.old')),
      ({ folder }) => renameSync(join(folder, 'Dockerfile.old'), join(folder, 'Dockerfile')),
    ],
    [
      'has a link that leads out of it',
      /passwd is a link to \/etc\/passwd, which is not in the repository/,
      ({ folder }) => symlinkSync('/etc/passwd', join(folder, 'passwd')),
      ({ folder }) => rmSync(join(folder, 'passwd')),
    ],
    [
      'has a submodule',
      /inner is a submodule, which is not fetched/,
      ({ folder, link, git }) => git(['clone', '--quiet', link, join(folder, 'inner')]),
      ({ folder }) => rmSync(join(folder, 'inner'), { recursive: true }),
    ],
  ])('is told of a repository that %s, and goes on once that is mended', async (_, reason, spoil, mend) => {
    const code = bed.newRepository({})
    spoil(code)
    code.commit()
    const id = await begin({ link: code.link })
    await failsAt(id, 'portal/self', 'fetch', reason)
    for (const site of ['.fetched', 'south'])
      expect(existsSync(at('portal/experiments', site, id, 'Dockerfile'))).toBe(false)
    expect(readdirSync(at('portal/experiments/south')).filter((name) => name.includes('draft'))).toEqual([])
    mend(code)
    code.commit()
    const { events } = await goesOn(id, 'portal/self', 'fetch')
    expect(events.filter(({ type }) => type === 'experiment.step-retried')).toHaveLength(1)
  })

  test('is told that a build can not begin, which is retried alone once it can', async () => {
    const later = `${bed.testbed().images}/later:1`
    const id = await begin({ build: [`FROM ${later}`] })
    await failsAt(id, 'south/self', 'build', /later/)
    expect(await bed.left(id)).toEqual([])
    await engine.docker('tag', await baseImage(engine.docker), later)
    try {
      const seen = await goesOn(id, 'south/self', 'build')
      expect(seen.experiment.attempt).toBe(1)
      expect([countOf(seen, 'step-started'), countOf(seen, 'step-failed')]).toEqual([
        { 'portal/self fetch': 1, 'south/self ship': 1, 'south/self build': 2 },
        { 'south/self build': 1 },
      ])
    } finally {
      await engine.docker('rmi', later)
    }
  })

  test('is told what a build said last, and is begun anew with what is mended', async () => {
    const broken = bed.newRepository({ build: ['RUN echo no such sensor; exit 3'] })
    const id = await begin({ link: broken.link })
    await failsAt(id, 'south/self', 'build', /exit 3.*no such sensor/s)
    expect(await bed.left(id)).toEqual([])
    broken.write({ Dockerfile: readFileSync(join(broken.folder, 'Dockerfile'), 'utf8').replace('exit 3', 'exit 0') })
    broken.commit()
    await bed.order('carol', id, 'terminate', { reason: 'mended' })
    await bed.order('carol', id, 'initiate')
    const { experiment } = await bed.until(id, bed.isBuilt)
    expect(experiment.attempt).toBe(2)
  })

  test('waits for a registry that comes back, and names one that does not', async () => {
    const { registry } = bed.testbed()
    await registry.kill()
    const first = await begin({})
    await failsAt(first, 'south/self', 'build', /registry 127\.0\.0\.1:\d+ did not take.*Start the registry/s)
    await eventually(async () => (await bed.left(first)).length === 0, 'the engine keeps nothing of it')
    await registry.start()
    await goesOn(first, 'south/self', 'build')
    await registry.kill()
    const second = await begin({})
    await bed.until(second, ({ experiment }) => experiment.parts['south/self']?.build?.phase === 'pushing')
    await registry.start()
    const { experiment } = await bed.until(second, bed.isBuilt)
    expect(experiment.parts['south/self']?.build?.try).toBe(1)
  })

  test('names a key that is refused and a host that shows another key, and goes on once both are right', async () => {
    const keys = at('ssh/north/authorized_keys')
    const hosts = at('ssh/north/known_hosts')
    const [key, host] = [readFileSync(keys, 'utf8'), readFileSync(hosts, 'utf8')]
    writeFileSync(keys, '')
    const id = await begin({ sites: ['north'] })
    await failsAt(id, 'north/self', 'ship', /refused the user .* with the key/)
    writeFileSync(keys, key)
    const [place = ''] = host.split(' ')
    writeFileSync(hosts, `${place} ${readFileSync(at('ssh/south/host_key.pub'), 'utf8')}`)
    await bed.order('olga', id, 'retry', { part: 'north/self', step: 'ship' })
    await bed.until(id, ({ experiment }) => experiment.parts['north/self']?.ship?.try === 2)
    await failsAt(id, 'north/self', 'ship', /another one is kept for it/)
    expect(existsSync(at('north/experiments', id))).toBe(false)
    writeFileSync(hosts, host)
    await goesOn(id, 'north/self', 'ship')
  })

  test('is begun anew after a run: what was there is set aside, its results stay, and code of another attempt is refused', async () => {
    const [site, sites, nodes] = ['north/self', ['north', 'south'], ['north/two', 'south/three']]
    const code = bed.newRepository({ script: usual })
    code.write({ 'old.txt': 'old\n' })
    code.commit()
    const id = await bed.running({ link: code.link, sites }, ...nodes)
    await bed.until(id, bed.isAt('collect', 'succeeded', ...nodes))
    code.git(['rm', '--quiet', 'old.txt'])
    code.write({ 'new.txt': 'new\n' })
    code.commit()
    await bed.order('olga', id, 'terminate', { reason: 'another branch' })
    // Between the two what was shipped gives way to the code of the attempt before.
    const { hosts } = bed.testbed()
    await hosts.north.kill()
    await bed.order('carol', id, 'initiate')
    await bed.until(id, bed.isAt('ship', 'succeeded', site))
    const mark = '.millrace-experiment.json'
    const before = (name: string) => at('portal/experiments', name, '.before', id, '2-1')
    copyFileSync(join(before('north'), mark), at('north/experiments', id, mark))
    await hosts.north.start()
    await failsAt(id, site, 'build', /holds attempt 1 of .*asked for is attempt 2 of .*Retry the step ship/s)
    await goesOn(id, site, 'ship')
    for (const part of nodes) {
      const [name = '', node = ''] = part.split('/')
      expect(readFileSync(join(before(name), 'old.txt'), 'utf8')).toBe('old\n')
      const there = at(name, 'experiments', id)
      expect(['old.txt', 'new.txt'].map((file) => existsSync(join(there, file)))).toEqual([false, true])
      expect(altered(join(there, 'results', node, '1-1'))).toEqual([])
      expect(readFileSync(join(there, 'results', node, '1-1/files/deep/b.txt'), 'utf8')).toBe('two\n')
    }
    expect(await bed.left(id)).toEqual([])
  })
})
