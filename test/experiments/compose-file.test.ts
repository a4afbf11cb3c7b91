import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { env } from 'node:process'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { parse } from 'yaml'
import { composeFile } from '#agents/containers/compose-file'
import { freePort, run, stop, temporaryFolders } from '../processes.ts'
import { findCompose, makeImage } from './busybox.ts'
import { engineForTests } from './engine.ts'

const engine = await engineForTests()
const newFolder = temporaryFolders()

const least = {
  experiment: 'e-1',
  attempt: 2,
  site: 'lake',
  node: 'rover-1',
  image: `registry.example.org:5000/e-1@sha256:${'a'.repeat(64)}`,
  limits: { memory: 64 * 1024 ** 2, cpus: 0.5, pids: 50, disk: 1_000_000 },
}
const granted = {
  environment: { SENSOR: '/etc/sensor', PRICE: '$5 $HOME $$', LONG: 'yes', NUMBER: '010' },
  devices: ['/dev/null'],
  groups: [20],
}

test('the file runs one image once, with a volume for its results and hardly a right', () => {
  expect(parse(composeFile(least))).toEqual({
    services: {
      experiment: {
        image: least.image,
        labels: { 'millrace.experiment': 'e-1', 'millrace.attempt': '2' },
        restart: 'no',
        init: true,
        read_only: true,
        tmpfs: ['/tmp:mode=1777,nosuid,nodev,size=67108864'],
        volumes: [{ type: 'volume', source: 'results', target: '/results' }],
        environment: {
          MILLRACE_EXPERIMENT: 'e-1',
          MILLRACE_ATTEMPT: '2',
          MILLRACE_SITE: 'lake',
          MILLRACE_NODE: 'rover-1',
        },
        cap_drop: ['ALL'],
        security_opt: ['no-new-privileges:true'],
        mem_limit: 67_108_864,
        memswap_limit: 67_108_864,
        cpus: 0.5,
        pids_limit: 50,
        ulimits: { fsize: 1_000_000, core: 0 },
        stop_grace_period: '10s',
        logging: { driver: 'json-file', options: { 'max-size': '10m', 'max-file': '3' } },
        network_mode: 'none',
      },
    },
    volumes: { results: { labels: { 'millrace.experiment': 'e-1', 'millrace.attempt': '2' } } },
  })
  expect(composeFile(least)).toBe(composeFile(least))
})

test('where a site lets it reach a network, that bears its labels too', () => {
  const made = parse(composeFile({ ...least, grants: { network: 'bridge' } }))
  const labels = { 'millrace.experiment': 'e-1', 'millrace.attempt': '2' }
  expect(made.networks).toEqual({ default: { driver: 'bridge', labels } })
  expect(made.services.experiment).not.toHaveProperty('network_mode')
})

test.each([
  [{ image: 'registry:5000/e-1:latest' }, /image: expected an image by its digest/],
  [{ image: `e-1@sha256:${'a'.repeat(64)}` }, /image: expected an image by its digest/],
  [{ image: `registry:5000/e-1@sha256:${'a'.repeat(63)}` }, /image: expected an image by its digest/],
  [{ image: `registry:5000/$X@sha256:${'a'.repeat(64)}` }, /image: expected an image by its digest/],
  [{ experiment: '../e' }, /experiment: use 1 to 128 letters/],
  [{ limits: { ...least.limits, memory: 1 } }, /limits.memory: expected at least 6 MiB, in bytes/],
  [{ grants: { devices: ['/etc/shadow'] } }, /grants.devices.0: expected a device/],
  [{ grants: { devices: ['/dev/../etc/shadow'] } }, /grants.devices.0: expected an absolute path/],
  [{ grants: { devices: ['/dev/a:/dev/b'] } }, /grants.devices.0: expected a device/],
  [{ grants: { mounts: [{ source: 'etc', target: '/x' }] } }, /grants.mounts.0.source: expected an absolute path/],
  [{ grants: { mounts: [{ source: '/a/../b', target: '/x' }] } }, /grants.mounts.0.source: expected an absolute path/],
  [{ grants: { mounts: [{ source: '/a', target: '/results/x' }] } }, /grants.mounts.0.target: expected a path outside/],
  [{ grants: { environment: { MILLRACE_NODE: 'x' } } }, /this one is set by the experiment itself/],
  [{ grants: { environment: { 'A=B': 'x' } } }, /use letters, digits and _/],
  [{ grants: { environment: { A: 'x\ny' } } }, /without control characters/],
  [{ grants: { networks: 'host' } as object }, /grants.networks: no field is called so; did you mean 'network'/],
])('%j is refused', (change, said) => {
  expect(() => composeFile({ ...least, ...change })).toThrow(said)
})

/** A registry of images of its own, until the test ends; pulls and pushes need no certificate on this machine. */
const startRegistry = async (): Promise<string> => {
  const at = `127.0.0.1:${await freePort()}`
  const config = join(newFolder(), 'config.yml')
  const storage = `storage: { filesystem: { rootdirectory: ${newFolder()} } }`
  writeFileSync(config, `version: 0.1\n${storage}\nhttp: { addr: '${at}' }\n`)
  const registry = run('docker-registry', ['serve', config])
  onTestFinished(async () => void (await stop(registry)))
  await registry.says(/listening on/)
  return at
}

const script = `env | grep -E "MILLRACE|PRICE|LONG|NUMBER"; cat /etc/sensor; id -G; ls /sys/class/net
  echo x >/x || echo "root is read-only"; echo x >/tmp/x && echo "tmp is there"; echo x >/etc/sensor || echo "sensor is too"
  echo 1 >/results/one; dd if=/dev/zero of=/results/large bs=1000 count=2000 2>/dev/null || echo "ended by size"; ls -s /results`

const about = 'Compose runs it so: with its environment as it is, its mounts, its limits, and no network'
test.runIf(engine)(
  about,
  async ({ skip }) => {
    const compose = findCompose()
    if (!engine || !compose) return skip('no Compose is here')
    const { docker, host } = engine
    const folder = newFolder()
    const sensor = join(folder, 'sensor')
    writeFileSync(sensor, '21.5\n')
    const tag = `${await startRegistry()}/e-1:x`
    await makeImage(docker, { tag: `${tag}-base`, folder: newFolder(), scripts: { experiment: script } })
    mkdirSync(join(folder, 'image'))
    writeFileSync(join(folder, 'image/Dockerfile'), `FROM ${tag}-base\nRUN ["mkdir", "/results"]\nCMD ["experiment"]\n`)
    await docker('build', '--network', 'none', '--tag', tag, join(folder, 'image'))
    await docker('push', tag)
    const image = await docker('image', 'inspect', '--format', '{{index .RepoDigests 0}}', tag)
    await docker('image', 'rm', tag, `${tag}-base`)

    const file = join(folder, 'compose.yaml')
    const mounts = [{ source: sensor, target: '/etc/sensor' }]
    writeFileSync(file, composeFile({ ...least, image, grants: { ...granted, mounts } }))
    const project = `millrace-test-${process.pid}`
    const [program, ...words] = compose
    const call = async (...args: readonly string[]): Promise<string> => {
      const given = { env: { ...env, DOCKER_HOST: host }, timeout: 60_000, killSignal: 'SIGKILL' } as const
      return (await promisify(execFile)(program, [...words, '--project-name', project, '--file', file, ...args], given))
        .stdout
    }
    onTestFinished(async () => void (await call('down', '--volumes', '--rmi', 'all')))
    expect(await call('config')).toContain(image)
    // An `up` that stays does not end where its containers have ended before it listens.
    await call('up', '--detach')
    await docker('wait', ...(await call('ps', '--quiet')).trim().split('\n'))
    const said = await call('logs', '--no-color')
    const lines = said.split('\n').map((line) => line.replace(/^.*?\| ?/, '').trim())
    const expected = ['MILLRACE_EXPERIMENT=e-1', 'MILLRACE_ATTEMPT=2', 'MILLRACE_SITE=lake', 'MILLRACE_NODE=rover-1']
    const values = ['PRICE=$5 $HOME $$', 'LONG=yes', 'NUMBER=010', '21.5', '0 20', 'lo']
    const limits = ['root is read-only', 'tmp is there', 'sensor is too', 'ended by size']
    expect(lines).toEqual(expect.arrayContaining([...expected, ...values, ...limits]))
    expect(lines).not.toContain('eth0')
    const labels = await docker('volume', 'inspect', '--format', '{{json .Labels}}', `${project}_results`)
    expect(JSON.parse(labels)).toMatchObject({ 'millrace.experiment': 'e-1', 'millrace.attempt': '2' })
    expect(existsSync(join(folder, 'x'))).toBe(false)
  },
  60_000,
)
