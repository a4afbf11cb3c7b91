import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { env, getuid } from 'node:process'
import { beforeAll, expect, test } from 'vitest'
import { freePort, run, stop, temporaryFolders } from './processes.ts'

const root = join(import.meta.dirname, '..')
const example = join(root, 'examples/file-transfer')
const inbox = 'root-artifacts/input_artifacts/haiku'
const temporary = temporaryFolders()
let installed: string

/** Installs the tarball in an empty folder. */
beforeAll(() => {
  installed = temporary()
  const npm = (args: readonly string[], cwd: string) =>
    execFileSync('npm', args, {
      ...{ cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] },
      ...{ timeout: 170_000, killSignal: 'SIGKILL' },
    })
  npm(['pack', '--pack-destination', installed], root)
  const [tarball = ''] = readdirSync(installed).filter((name) => name.endsWith('.tgz'))
  writeFileSync(join(installed, 'package.json'), '{ "type": "module", "private": true }')
  npm(['install', '--no-audit', '--no-fund', '--prefer-offline', `./${tarball}`], installed)
}, 180_000)

test('the tarball, installed in an empty folder, writes a pipeline and runs it', async () => {
  const millrace = join(installed, 'node_modules/.bin/millrace')
  execFileSync(process.execPath, [millrace, 'init'], { cwd: installed })
  writeFileSync(join(installed, 'data/inbox/note.txt'), 'a few words')
  const [port, natsPort] = [await freePort(2), await freePort()].map(String) as [string, string]
  const up = run(process.execPath, [millrace, 'up', 'pipeline.ts', '--port', port, '--nats-port', natsPort], {
    cwd: installed,
  })
  await up.says(/run first\/0 succeeded/)
  expect(up.output()).toContain('note.txt has 3 words')
  await stop(up)
}, 60_000)

test('what its pages lead to is in the package, and nothing of what examples have made here', () => {
  const folder = join(installed, 'node_modules/millrace')
  const all = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  const links = all
    .filter((path) => path.endsWith('.md') && !path.startsWith('node_modules'))
    .flatMap((path) => {
      const text = readFileSync(join(folder, path), 'utf8')
      return [...text.matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)].map(([, to = '']) => join(path, '..', to))
    })
  expect(links.length).toBeGreaterThan(15)
  expect(links.filter((to) => !existsSync(join(folder, to)))).toEqual([])
  expect(all.filter((path) => /^examples\/.*(-artifacts|\.millrace)(\/|$)/.test(path))).toEqual([])
})

test('nothing of the package runs while it is installed', () => {
  const manifest = readFileSync(join(installed, 'node_modules/millrace/package.json'), 'utf8')
  const { scripts } = JSON.parse(manifest) as { scripts: Readonly<Record<string, string>> }
  for (const script of ['preinstall', 'install', 'postinstall', 'prepare']) expect(scripts).not.toHaveProperty(script)
})

test('a bucket asks for its library where that is not installed', () => {
  const code =
    "import('millrace/s3').then(({ s3Bucket }) => s3Bucket({ bucket: 'b' })).catch((e) => console.log(e.message))"
  const said = execFileSync(process.execPath, ['-e', code], { cwd: installed, encoding: 'utf8' })
  expect(said).toBe('s3Bucket needs @aws-sdk/client-s3. Install it: npm install @aws-sdk/client-s3\n')
})

/** Only root can become two others. Continuous integration is, and does not pass over it. */
const mayBecomeOthers = getuid?.() === 0 || env.CI === 'true'

test.runIf(mayBecomeOthers)(
  'two users who cannot read each other, joined by the bus alone, transfer files',
  async () => {
    const [natsPort, rootPort, leafPort] = [await freePort(), await freePort(2), await freePort(2)]
    const nats = ['--nats', `nats://127.0.0.1:${natsPort}`]
    const cli = (...args: string[]) => run(process.execPath, [join(root, 'bin/millrace.cjs'), ...args])
    const server = cli('nats', '--port', String(natsPort), '--state', temporary())
    await server.says(/listens at/)

    const leaf = machineOf(20_002)
    const base = machineOf(20_001)
    expect(await leaf.run('ls', base.folder).ended).not.toBe(0)
    expect(await base.run('ls', leaf.folder).ended).not.toBe(0)
    const ups = [
      leaf.millrace('up', 'leaf.ts', ...nats, '--port', String(leafPort), '--state', 'state'),
      base.millrace('up', 'root.ts', ...nats, '--port', String(rootPort), '--state', 'state'),
    ]
    const places = ['--root', base.folder, '--leaf', leaf.folder]
    const webs = ['--web', `https://127.0.0.1:${rootPort}`, '--leaf-web', `https://127.0.0.1:${leafPort}`]
    const check = run(
      process.execPath,
      ['--conditions=source', join(example, 'check.ts'), ...nats, ...places, ...webs],
      { cwd: root },
    )
    expect(await check.ended, [check, ...ups].map(({ output }) => output()).join('\n---\n')).toBe(0)

    // What a user can't read is said, and taken once it can be.
    const tail = cli('tail', '--from', 'start', '--json', ...nats)
    const secret = join(base.folder, 'secret.txt')
    writeFileSync(secret, 'not for you\n', { mode: 0o600 })
    renameSync(secret, join(base.folder, inbox, 'secret.txt'))
    await tail.says(/artifact\.unreadable.*secret\.txt.*EACCES/)
    chmodSync(join(base.folder, inbox, 'secret.txt'), 0o644)
    await tail.says(/artifact\.detected.*secret\.txt/)
    for (const process of [tail, ...ups, server]) await stop(process)
  },
  180_000,
)

/** A machine as others see it: an installation of its own, of a user who lets nobody else in. */
const machineOf = (uid: number) => {
  const folder = temporary()
  mkdirSync(join(folder, inbox), { recursive: true })
  cpSync(join(installed, 'node_modules'), join(folder, 'node_modules'), { recursive: true, verbatimSymlinks: true })
  cpSync(join(installed, 'package.json'), join(folder, 'package.json'))
  for (const config of ['root.ts', 'leaf.ts']) cpSync(join(example, config), join(folder, config))
  cpSync(process.execPath, join(folder, 'node'))
  for (const entry of ['', ...readdirSync(folder, { recursive: true, encoding: 'utf8' })])
    if (!entry.includes('.bin/')) chownSync(join(folder, entry), uid, uid)
  chmodSync(folder, 0o700)
  const asUser = (program: string, ...args: string[]) =>
    run(program, args, { cwd: folder, uid, gid: uid, env: { HOME: folder, PATH: env.PATH ?? '' } })
  const millrace = (...args: string[]) =>
    asUser(join(folder, 'node'), join(folder, 'node_modules/millrace/bin/millrace.cjs'), ...args)
  return { folder, run: asUser, millrace }
}
