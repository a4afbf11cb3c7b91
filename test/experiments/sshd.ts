import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { delimiter, join } from 'node:path'
import { freePort, run, stop } from '../processes.ts'
import { layWire, type Wire } from './proxy.ts'

/** What a machine of a test needs: the settings to reach it, and the wire in front of it. */
export type Sshd = {
  readonly settings: {
    readonly host: string
    readonly port: number
    readonly user: string
    readonly identityFile: string
    readonly knownHosts: string
  }
  /** The wire that the settings lead over. */
  readonly wire: Wire
  /** Where sshd itself listens. */
  readonly port: number
  /** Holds its keys, and whatever a test puts there; removed with it. */
  readonly folder: string
  readonly process: number
  readonly log: () => string
  readonly stop: () => Promise<void>
}

const program = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin']
  .map((folder) => join(folder, 'sshd'))
  .find(existsSync)

/** Whether there can be machines to reach; in continuous integration there must be. */
export const maySsh = program !== undefined || process.env.CI === 'true'

/** Makes a key of a type, in a folder. */
export const newKey = (file: string, type = 'ed25519', passphrase = ''): string => {
  rmSync(file, { force: true })
  execFileSync('ssh-keygen', ['-q', '-t', type, '-N', passphrase, '-f', file, '-C', 'test'])
  return file
}

/** A line for a file of known hosts. */
export const knownLine = (port: number, publicKey: string): string =>
  `[127.0.0.1]:${port} ${readFileSync(publicKey, 'utf8').split(' ').slice(0, 2).join(' ')}\n`

/**
 * Starts OpenSSH's own server for the user who runs the test, on this machine, with keys of its own and a wire in front. It knows
 * one key of the user; the settings know its host key. `options` are lines for its config.
 */
export const startSshd = async (options: readonly string[] = [], hostKeys = ['ed25519']): Promise<Sshd> => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-sshd-'))
  const at = (name: string) => join(folder, name)
  const identityFile = newKey(at('user-key'))
  writeFileSync(at('authorized'), readFileSync(`${identityFile}.pub`))
  const keys = hostKeys.map((type) => newKey(at(`host-${type}`), type))
  // Where it does not part from its privileges it needs no such folder; where it does, it is there or can be made.
  if (userInfo().uid === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 })
  const port = await freePort()
  const config = [
    ...[`Port ${port}`, 'ListenAddress 127.0.0.1', ...keys.map((key) => `HostKey ${key}`)],
    ...[`AuthorizedKeysFile ${at('authorized')}`, `PidFile ${at('pid')}`, 'StrictModes no', 'UsePAM no'],
    ...['PasswordAuthentication no', 'KbdInteractiveAuthentication no', 'PermitRootLogin yes', 'LogLevel VERBOSE'],
    ...['MaxStartups 100', ...options],
  ]
  writeFileSync(at('config'), `${config.join('\n')}\n`)
  const started = run(program ?? 'sshd', ['-D', '-e', '-f', at('config')])
  await started.says(/Server listening/)
  const wire = await layWire(port)
  writeFileSync(at('known'), keys.map((key) => knownLine(wire.port, `${key}.pub`)).join(''))
  return {
    settings: { host: '127.0.0.1', port: wire.port, user: userInfo().username, identityFile, knownHosts: at('known') },
    wire,
    port,
    folder,
    process: started.child.pid ?? 0,
    log: started.output,
    stop: async () => {
      await wire.stop()
      await stop(started)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
