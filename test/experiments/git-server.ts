import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { freePort, run, stop } from '../processes.ts'

/** A real sshd that lets in one key, and what its repositories are reached by; it ends with the test. */
export const gitOverSsh = async (folder: string) => {
  const key = (name: string): string => {
    const path = join(folder, name)
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', path])
    return path
  }
  const [host, user, other] = [key('host'), key('user'), key('other')]
  chmodSync(folder, 0o700)
  if (userInfo().uid === 0) mkdirSync('/run/sshd', { recursive: true })
  const port = await freePort()
  const config = join(folder, 'sshd_config')
  const settings = [
    ...[`Port ${port}`, 'ListenAddress 127.0.0.1', `HostKey ${host}`, `AuthorizedKeysFile ${user}.pub`],
    ...['PidFile none', 'StrictModes no', 'PasswordAuthentication no', 'PermitRootLogin prohibit-password'],
  ]
  writeFileSync(config, `${settings.join('\n')}\n`)
  const server = run('/usr/sbin/sshd', ['-D', '-e', '-f', config])
  onTestFinished(async () => void (await stop(server)))
  await server.says(/Server listening/)
  /** A file that says which key the server has: its own, or another. */
  const known = (name: string, path: string): string => {
    const file = join(folder, name)
    const [kind, text] = execFileSync('ssh-keygen', ['-y', '-f', path], { encoding: 'utf8' }).split(' ')
    writeFileSync(file, `[127.0.0.1]:${port} ${kind} ${text?.trim()}\n`)
    return file
  }
  return {
    linkTo: (path: string) => `ssh://${userInfo().username}@127.0.0.1:${port}${path}`,
    right: { identityFile: user, knownHosts: known('known', host) },
    otherHost: { identityFile: user, knownHosts: known('known-other', other) },
    noHost: { identityFile: user, knownHosts: '/dev/null' },
    otherKey: { identityFile: other, knownHosts: join(folder, 'known') },
  }
}
