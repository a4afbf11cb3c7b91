import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sshMachine } from '#agents/machines/ssh-machine'
import { freePort, temporaryFolders } from '../processes.ts'
import { tryTo } from './let-in.ts'
import { knownLine, maySsh, newKey, type Sshd, startSshd } from './sshd.ts'

const newFolder = temporaryFolders()
const never = new AbortController().signal

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
})
