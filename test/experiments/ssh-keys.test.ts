import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sshMachine } from '#agents/machines/ssh-machine'
import { run, stop, temporaryFolders } from '../processes.ts'
import { tryTo } from './let-in.ts'
import { maySsh, newKey, type Sshd, startSshd } from './sshd.ts'

const newFolder = temporaryFolders()
const never = new AbortController().signal

/** A file of known hosts without any. */
const nobodyKnown = (): string => {
  const file = join(newFolder(), 'known')
  writeFileSync(file, '')
  return file
}

describe.runIf(maySsh)('a machine', () => {
  let sshd: Sshd
  beforeAll(async () => {
    sshd = await startSshd()
  })
  afterAll(() => sshd.stop())

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
      expect(await tryTo({ ...settings, knownHosts: nobodyKnown() })).toMatchObject({
        code: 'machine.host-key-unknown',
      })
      write({ ...sshd.settings, knownHosts: nobodyKnown() })
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
