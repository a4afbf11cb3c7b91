import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Build, buildImage } from '#agents/containers/build-image'
import { engineAt } from '#agents/containers/engine-at'
import { freePort, temporaryFolders } from '../processes.ts'
import { baseImage } from './base-image.ts'
import { engineForTests } from './engine.ts'
import { mayServeImages, type Registry, registryIn } from './registry.ts'

const temporaryFolder = temporaryFolders()
const id = `build-${process.pid}`

const folderWith = (files: Readonly<Record<string, string>>): string => {
  const folder = temporaryFolder()
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(folder, path, '..'), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  return folder
}

const given = (build: Partial<Build> & Pick<Build, 'folder'>, lines: string[] = []): Build => ({
  engine: engineAt('unix:///nowhere/docker.sock'),
  tag: `${id}:1`,
  labels: { 'millrace.experiment': id },
  network: 'none',
  limits: { milliseconds: 60_000 },
  say: (line) => lines.push(line),
  signal: new AbortController().signal,
  ...build,
})

test('says how to come by an engine where none answers', async () => {
  const folder = folderWith({ Dockerfile: 'FROM scratch\n' })
  await expect(buildImage(given({ folder }))).rejects.toThrow(
    /No Docker engine answers at unix:\/\/\/nowhere\/docker.sock .*systemctl start docker/,
  )
})

test.each([
  '/var/run/docker.sock',
  'unix://relative',
  'http://x:1',
  'tcp://-x:1',
  'tcp://x:99999',
  'ssh://x',
])('refuses %s as the address of an engine', (address) => {
  expect(() => engineAt(address)).toThrow(/is no address of a Docker engine/)
})

const engine = await engineForTests()

describe.runIf(engine && mayServeImages)('an image', () => {
  const { host, docker } = engine ?? { host: 'unix:///none', docker: async () => '' }
  let base = ''
  let registry: Registry
  beforeAll(async () => {
    base = await baseImage(docker)
    registry = await registryIn(temporaryFolder())
    await registry.start()
  })
  afterAll(async () => {
    await registry.stop()
    const left = await docker('images', '-q', '--filter', `label=millrace.experiment=${id}`)
    if (left) await docker('rmi', '-f', ...new Set(left.split('\n')))
  })
  const build = (more: Partial<Build> & Pick<Build, 'folder'>, lines: string[] = []) =>
    buildImage(given({ engine: engineAt(host), ...more }, lines))

  const kept = (reference: string) => docker('images', '-q', '--filter', `reference=${reference}`)

  test('is pushed and named by the digest that the registry gives it, and the engine keeps nothing of it', async () => {
    const folder = folderWith({ 'src/main.py': 'print(1)\n', '.git/HEAD': 'x' })
    const dockerfile = `FROM ${base}\nCOPY . /app\nRUN test ! -e /app/.git && test -f /app/src/main.py\n`
    const [lines, phases]: [string[], string[]] = [[], []]
    const phase = (one: string) => phases.push(one)
    const { image, id: own } = await build({ folder, dockerfile, registry: registry.address, phase }, lines)
    expect(image).toMatch(new RegExp(`^${registry.address}/${id}@sha256:[0-9a-f]{64}$`))
    expect(phases).toEqual(['building', 'pushing'])
    expect(lines).toContain('Step 2/4 : COPY . /app')
    const stored = await fetch(`http://${registry.address}/v2/${id}/manifests/${image.split('@')[1]}`, {
      headers: { accept: 'application/vnd.docker.distribution.manifest.v2+json' },
    })
    expect(stored.status).toBe(200)
    expect(await docker('images', '-a', '-q', '--no-trunc')).not.toContain(own)
  })

  test('stays where a container uses it that was made meanwhile', async () => {
    const folder = folderWith({ Dockerfile: `FROM ${base}\nRUN echo used > /used\n` })
    const down = await registryIn(temporaryFolder())
    const use = () => docker('create', '--network', 'none', `${down.address}/${id}:used`, 'true').finally(down.start)
    let made: Promise<string> | undefined
    const say = (line: string) => {
      if (/trying again in/.test(line)) made ??= use()
    }
    try {
      await build({ folder, tag: `${id}:used`, registry: down.address, say })
      expect(await kept(`${down.address}/${id}`)).not.toBe('')
    } finally {
      await docker('rm', (await made) ?? '')
      await down.stop()
    }
  })

  test('is the same when it is built again of the same content', async () => {
    const folder = folderWith({ Dockerfile: `FROM ${base}\nCOPY . /app\n`, '.git/HEAD': 'x' })
    const first = await build({ folder })
    writeFileSync(join(folder, '.git/HEAD'), 'y')
    expect(await build({ folder })).toEqual(first)
  })

  test('tells its log while it is made', async () => {
    const folder = folderWith({ Dockerfile: `FROM ${base}\nRUN echo early; sleep 2; echo late\n` })
    const heard: [string, number][] = []
    await build({ folder, say: (line) => heard.push([line, performance.now()]) })
    const at = (word: string) => heard.find(([line]) => line === word)?.[1] ?? Number.NaN
    expect(at('late') - at('early')).toBeGreaterThan(1_500)
  })

  test('is given the arguments of its site, and keeps none of them for those who run it', async () => {
    const lines: string[] = []
    const dockerfile = `FROM ${base}\nARG PIP_INDEX_URL\nRUN echo "from $PIP_INDEX_URL through $HTTPS_PROXY"\n`
    const given = { PIP_INDEX_URL: 'https://index.example/$HOME', HTTPS_PROXY: 'http://proxy.example:1' }
    const { id: image } = await build({ folder: folderWith({ a: '' }), dockerfile, given }, lines)
    expect(lines).toContain('from https://index.example/$HOME through http://proxy.example:1')
    expect(await docker('image', 'inspect', '--format', '{{.Config.Env}}', image)).not.toContain('example')
  })

  test('of a Dockerfile that can’t be read says where, and what is wrong there', async () => {
    const folder = folderWith({ Dockerfile: `FROM ${base}\nRUNN true\n` })
    await expect(build({ folder })).rejects.toThrow(
      /^The Dockerfile can't be read at line 2: unknown instruction: RUNN$/,
    )
  })

  test('whose image has no pip is told which one is to have it', async () => {
    const folder = folderWith({ Dockerfile: `FROM ${base}\nRUN echo 'python3: No module named pip' && exit 1\n` })
    await expect(build({ folder })).rejects.toThrow(
      /said last:\npython3: No module named pip\nThe image .* 'base' in the/,
    )
  })

  test('that fails says at which step, what that said last, and leaves nothing with its label', async () => {
    const folder = folderWith({
      Dockerfile: `FROM ${base}\nLABEL millrace.experiment=${id}\nRUN seq 1 100 && echo 'no such module' && exit 7\n`,
    })
    const failed = await build({ folder, tag: `${id}:failing` }).catch((thrown: Error) => thrown.message)
    expect(failed).toMatch(
      /^The build failed at 'Step 3\/4 : RUN seq.*: 7\. It said last:\n92\n(\d+\n)*100\nno such module$/s,
    )
    expect(
      await docker('images', '-q', '--filter', 'dangling=true', '--filter', `label=millrace.experiment=${id}`),
    ).toBe('')
  })

  test('is pushed once a registry that was down is up', async () => {
    const down = await registryIn(temporaryFolder())
    const folder = folderWith({ Dockerfile: `FROM ${base}\n` })
    const waits = Promise.withResolvers<void>()
    const say = (line: string) => {
      if (/connection refused.*trying again in/.test(line)) waits.resolve()
    }
    const reasons: (string | undefined)[] = []
    const phase = (_: string, reason?: string) => void reasons.push(reason)
    const building = build({ folder, registry: down.address, say, phase })
    await Promise.race([waits.promise, building])
    await down.start()
    try {
      expect((await building).image).toContain(`${down.address}/${id}@sha256:`)
      expect(reasons).toContainEqual(expect.stringMatching(/connection refused; it is tried again for up to 60 s$/))
    } finally {
      await down.stop()
    }
  })

  test('is not waited for where the registry stays down, which is named, and is not kept', async () => {
    const address = `127.0.0.1:${await freePort()}`
    const folder = folderWith({ Dockerfile: `FROM ${base}\n` })
    const limits = { milliseconds: 60_000, registryPatience: 500 }
    await expect(build({ folder, registry: address, limits })).rejects.toThrow(
      new RegExp(`The registry ${address} did not take .*connection refused`),
    )
    const stopping = new AbortController()
    const say = (line: string) => /trying again in/.test(line) && stopping.abort(new Error('terminated'))
    await expect(build({ folder, registry: address, say, signal: stopping.signal })).rejects.toThrow('terminated')
    expect(await kept(`${address}/${id}`)).toBe('')
  })

  test('is not made further once it is aborted, in the engine neither', async () => {
    const folder = folderWith({ Dockerfile: `FROM ${base}\nRUN echo begins; sleep 98765\n` })
    const stopping = new AbortController()
    const reason = new Error('not wanted any more')
    const say = (line: string) => line === 'begins' && stopping.abort(reason)
    await expect(build({ folder, say, signal: stopping.signal })).rejects.toBe(reason)
    await expect.poll(() => docker('ps', '-a', '--no-trunc', '--format', '{{.Command}}')).not.toContain('98765')
  })

  test('is not made for longer than it may', async () => {
    const folder = folderWith({ Dockerfile: `FROM ${base}\nRUN sleep 98766\n` })
    await expect(build({ folder, limits: { milliseconds: 1_500 } })).rejects.toThrow(/was not built within 2 s/)
    await expect.poll(() => docker('ps', '-a', '--no-trunc', '--format', '{{.Command}}')).not.toContain('98766')
  })

  test('has no more memory than it may, and says so where a step needs more', async () => {
    const folder = folderWith({ Dockerfile: `FROM ${base}\nRUN head -c 200m /dev/zero | tail > /dev/null\n` })
    const limits = { milliseconds: 60_000, memory: 32 * 2 ** 20, cpus: 1 }
    await expect(build({ folder, limits })).rejects.toThrow(
      /^It ran out of memory: a step of a build may use 32 MiB here .*'Step 2\/3 : RUN head.*Killed$/s,
    )
    const dockerfile = `FROM ${base}\nRUN exit 137\n`
    await expect(build({ folder: folderWith({}), dockerfile, limits })).rejects.toThrow(/^The build failed at/)
  })

  test('uses no more of the processors than it may', async () => {
    const script = 'cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us /sys/fs/cgroup/cpu.max 2>/dev/null; true'
    const folder = folderWith({ Dockerfile: `FROM ${base}\nRUN ${script}\n` })
    const lines: string[] = []
    await build({ folder, limits: { milliseconds: 60_000, cpus: 0.5 } }, lines)
    expect(lines).toContainEqual(expect.stringMatching(/^50000( 100000)?$/))
  })

  test.each([
    'own',
    'generated',
  ])('that is larger than it may be is refused and removed, as its %s Dockerfile makes it', async (whose) => {
    const text = `FROM ${base}\nLABEL millrace.experiment=${id}\nRUN head -c 20000000 /dev/urandom > /large\n`
    const folder = folderWith(whose === 'own' ? { Dockerfile: text } : {})
    const tag = `${id}:large`
    const limits = { milliseconds: 60_000, size: 10 * 2 ** 20 }
    await expect(build({ folder, tag, limits, ...(whose === 'own' ? {} : { dockerfile: text }) })).rejects.toThrow(
      /^The image is 2\d(\.\d)? MiB large, and may be 10 MiB here/,
    )
    expect(await docker('images', '-q', tag)).toBe('')
  })

  test.each([
    ['../../etc/passwd', /src\/link is a link that leads out of it/],
    ['/etc/passwd', /src\/link is a link that leads out of it/],
  ])('is not made of a folder with a link to %s', async (target, message) => {
    const folder = folderWith({ Dockerfile: `FROM ${base}\n`, 'src/main.py': '' })
    symlinkSync(target, join(folder, 'src/link'))
    await expect(build({ folder })).rejects.toThrow(message)
  })

  test('is made of links that stay inside', async () => {
    const folder = folderWith({
      Dockerfile: `FROM ${base}\nCOPY . /a\nRUN cat /a/src/link\n`,
      'src/main.py': 'inside\n',
    })
    symlinkSync('../src/main.py', join(folder, 'src/link'))
    const lines: string[] = []
    await build({ folder }, lines)
    expect(lines).toContain('inside')
  })

  test('of a base that does not exist fails with what the engine says', async () => {
    const folder = folderWith({ Dockerfile: `FROM ${registry.address}/nothing:here\n` })
    await expect(build({ folder })).rejects.toThrow(/Step 1\/2.*manifest/s)
  })
})
