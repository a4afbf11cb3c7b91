import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sshMachine } from '../../src/agents/experiments/ssh-machine.ts'
import type { SshSettings } from '../../src/agents/experiments/ssh-settings.ts'
import { freePort, run, stop, temporaryFolders } from '../processes.ts'
import { knownLine, maySsh, newKey, type Sshd, startSshd } from './sshd.ts'

const newFolder = temporaryFolders()
const never = new AbortController().signal

/** What comes of a program that is run with these settings, in a connection of its own. */
const tryTo = async (settings: SshSettings, env: Readonly<Record<string, string>> = {}): Promise<unknown> => {
  const machine = sshMachine(settings)
  Object.assign(process.env, env)
  try {
    return (await machine.run(['echo', 'let in'], { signal: never })).lastWords
  } catch (cause) {
    return cause
  } finally {
    for (const name of Object.keys(env)) delete process.env[name]
    await machine.close()
  }
}

const fingerprintOf = (key: string) => execFileSync('ssh-keygen', ['-lf', key], { encoding: 'utf8' }).split(' ')[1]

describe.runIf(maySsh)('a machine', () => {
  let sshd: Sshd
  beforeAll(async () => {
    sshd = await startSshd([], ['ed25519', 'rsa', 'ecdsa'])
  })
  afterAll(() => sshd.stop())

  /** A file of known hosts with the lines given. */
  const knowing = (...lines: readonly string[]): string => {
    const file = join(newFolder(), 'known hosts') // Paths have spaces in them.
    writeFileSync(file, lines.join(''))
    return file
  }
  const hostKey = (type: string) => join(sshd.folder, `host-${type}.pub`)

  test('whose key is not known is refused, with the key that it showed and what to do', async () => {
    const knownHosts = knowing('# nobody\n')
    const { port } = sshd.settings
    expect(await tryTo({ ...sshd.settings, knownHosts })).toMatchObject({
      code: 'machine.host-key-unknown',
      message: `127.0.0.1:${port} is not known yet: it showed the key ssh-ed25519 ${fingerprintOf(hostKey('ed25519'))}, and none is kept for it in ${knownHosts}. Ask whoever runs it for its fingerprint, compare it with what ssh-keyscan -p ${port} 127.0.0.1 | ssh-keygen -lf - says, and add the line that ssh-keyscan -p ${port} 127.0.0.1 prints to ${knownHosts}`,
    })
    expect(await tryTo({ ...sshd.settings, knownHosts: join(newFolder(), 'no-file') })).toMatchObject({
      code: 'machine.host-key-unknown',
    })
    expect(readFileSync(knownHosts, 'utf8')).toBe('# nobody\n')
  })

  test('is not sent anything before it is known', async () => {
    const machine = sshMachine({ ...sshd.settings, knownHosts: knowing() })
    const folder = newFolder()
    const unknown = { code: 'machine.host-key-unknown' }
    await expect(machine.send(folder, join(folder, 'x'), { signal: never })).rejects.toMatchObject(unknown)
    await expect(machine.fetch(folder, join(folder, 'x'), { signal: never })).rejects.toMatchObject(unknown)
  })

  test.each([
    'ed25519',
    'rsa',
    'ecdsa',
  ])('that shows another key than the one that is kept is refused: %s', async (type) => {
    const other = newKey(join(newFolder(), 'other'), type)
    const knownHosts = knowing(knownLine(sshd.settings.port, `${other}.pub`))
    const fault = await tryTo({ ...sshd.settings, knownHosts })
    expect(fault).toMatchObject({ code: 'machine.host-key-changed' })
    expect(String(fault)).toContain(fingerprintOf(hostKey(type)))
    expect(String(fault)).toContain(fingerprintOf(other))
  })

  test('that has none of the kept keys any more is refused in the same way', async () => {
    const one = await startSshd([], ['ecdsa'])
    try {
      const other = newKey(join(newFolder(), 'other'))
      const knownHosts = knowing(knownLine(one.settings.port, `${other}.pub`))
      expect(await tryTo({ ...one.settings, knownHosts })).toMatchObject({ code: 'machine.host-key-changed' })
    } finally {
      await one.stop()
    }
  })

  test('whose key is revoked is refused, though it is kept too', async () => {
    const line = knownLine(sshd.settings.port, hostKey('ed25519'))
    const fault = await tryTo({ ...sshd.settings, knownHosts: knowing(line, `@revoked ${line}`) })
    expect(fault).toMatchObject({ code: 'machine.host-key-changed', message: expect.stringContaining('is revoked') })
  })

  test.each(['ed25519', 'rsa', 'ecdsa'])('is let in by any one kept key, plain or hashed: %s', async (type) => {
    const knownHosts = knowing(knownLine(sshd.settings.port, hostKey(type)))
    expect(await tryTo({ ...sshd.settings, knownHosts })).toBe('let in')
    execFileSync('ssh-keygen', ['-q', '-H', '-f', knownHosts], { stdio: 'ignore' })
    expect(readFileSync(knownHosts, 'utf8')).toMatch(/^\|1\|/)
    const machine = sshMachine({ ...sshd.settings, knownHosts })
    const folder = newFolder()
    await machine.send(folder, join(folder, 'copy'), { signal: never })
    await machine.close()
  })

  test.each(['rsa', 'ecdsa', 'ed25519'])('is shown a key of any usual type: %s', async (type) => {
    const identityFile = newKey(join(newFolder(), "a key's 100%"), type)
    const refused = await tryTo({ ...sshd.settings, identityFile })
    expect(refused).toMatchObject({ code: 'machine.key-refused' })
    expect(String(refused)).toContain(`refused the user ${sshd.settings.user} with the key ${identityFile}`)
    const authorized = join(sshd.folder, 'authorized')
    writeFileSync(authorized, readFileSync(`${identityFile}.pub`, 'utf8'), { flag: 'a' })
    const machine = sshMachine({ ...sshd.settings, identityFile })
    const folder = newFolder()
    await machine.send(folder, join(folder, 'copy'), { signal: never })
    await machine.close()
  })

  test('is not shown a key that has a passphrase or is none, which is said; nor one of an agent where a file is named', async () => {
    const folder = newFolder()
    const secret = newKey(join(folder, 'secret'), 'ed25519', 'a passphrase')
    expect(await tryTo({ ...sshd.settings, identityFile: secret })).toMatchObject({
      code: 'machine.no-key',
      message: expect.stringContaining(`${secret} has a passphrase`),
    })
    writeFileSync(join(folder, 'text'), 'no key')
    expect(await tryTo({ ...sshd.settings, identityFile: join(folder, 'text') })).toMatchObject({
      code: 'machine.no-key',
    })
    const missing = join(folder, 'missing')
    expect(await tryTo({ ...sshd.settings, identityFile: missing })).toMatchObject({
      message: expect.stringContaining(`${missing} is not there`),
    })
  })

  test('is shown the keys of an agent', async () => {
    const folder = newFolder()
    const socket = join(folder, 'agent')
    const config = join(folder, 'config')
    writeFileSync(config, `Host *\n IdentityFile ${join(folder, 'none')}\n`)
    const agent = run('ssh-agent', ['-D', '-a', socket])
    try {
      await agent.says(/SSH_AUTH_SOCK/)
      const { identityFile, ...settings } = sshd.settings
      execFileSync('ssh-add', ['-q', identityFile], { env: { ...process.env, SSH_AUTH_SOCK: socket }, stdio: 'ignore' })
      expect(await tryTo({ ...settings, config }, { SSH_AUTH_SOCK: socket })).toBe('let in')
    } finally {
      await stop(agent)
    }
  })

  test('that does not listen, that has no known name, that does not answer is said to be so', async () => {
    const nobody = { ...sshd.settings, port: await freePort() }
    expect(await tryTo(nobody)).toMatchObject({
      code: 'machine.unreachable',
      message: expect.stringMatching(/^127\.0\.0\.1:\d+ can't be reached over ssh: nobody listens there/),
    })
    expect(await tryTo({ ...sshd.settings, host: 'no-such-host.invalid' })).toMatchObject({
      code: 'machine.unreachable',
    })
    sshd.wire.hold()
    try {
      expect(await tryTo({ ...sshd.settings, noticedWithin: 1 })).toMatchObject({
        code: 'machine.unreachable',
        message: expect.stringContaining('gave no answer within 1 s'),
      })
    } finally {
      sshd.wire.release()
    }
  })

  test.each([
    { host: '-oProxyCommand=touch /tmp/must-not-be' },
    { host: 'a;b' },
    { host: '' },
    { host: 'a b' },
    { user: '-oProxyCommand=x' },
    { user: 'a b' },
    { port: 0 },
    { port: 1.5 },
    { identityFile: '-x' },
    { knownHosts: '' },
    { config: '-F' },
  ])('is not taken from settings that mean something else to ssh: %o', (wrong) => {
    expect(() => sshMachine({ ...sshd.settings, ...wrong })).toThrow(
      expect.objectContaining({ code: 'machine.bad-name' }),
    )
  })

  test('that is reached by another one is let in, sent to and refused likewise', async () => {
    const far = await startSshd()
    const folder = newFolder()
    const config = join(folder, 'config')
    const reach = (
      name: string,
      { port, user, identityFile, knownHosts }: Sshd['settings'],
      ...more: readonly string[]
    ) =>
      [
        ...[`Host ${name}`, 'HostName 127.0.0.1', `Port ${port}`, `User ${user}`, `IdentityFile ${identityFile}`],
        ...[`UserKnownHostsFile "${knownHosts}"`, ...more, ''],
      ].join('\n')
    const write = (near: Sshd['settings']) =>
      writeFileSync(config, reach('near', near) + reach('far', far.settings, 'ProxyJump near'))
    try {
      write(sshd.settings)
      const before = sshd.wire.bytes().up
      const settings = { host: 'far', config }
      expect(await tryTo(settings)).toBe('let in')
      const machine = sshMachine(settings)
      await machine.send(folder, join(folder, 'copy'), { signal: never })
      await machine.close()
      expect(sshd.wire.bytes().up).toBeGreaterThan(before)
      expect(await tryTo({ ...settings, knownHosts: knowing() })).toMatchObject({ code: 'machine.host-key-unknown' })
      write({ ...sshd.settings, knownHosts: knowing() })
      expect(await tryTo(settings)).toMatchObject({
        code: 'machine.unreachable',
        message: expect.stringContaining('Host key verification failed'),
      })
    } finally {
      await far.stop()
    }
  })

  test('that is reached through a command is refused in words', async () => {
    const config = join(newFolder(), 'config')
    writeFileSync(config, 'Host far\n ProxyCommand nc %h %p\n')
    expect(await tryTo({ host: 'far', config })).toMatchObject({
      code: 'machine.bad-config',
      message: expect.stringContaining('use ProxyJump'),
    })
  })
})
