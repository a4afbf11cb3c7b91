import { execFile } from 'node:child_process'
import { homedir } from 'node:os'
import { resolve } from 'node:path'
import { promisify } from 'node:util'
import { machineFaults } from './machine-faults.ts'

/** How often a connection is asked whether it lives before it counts as dead. */
export const questions = 3

/** How a machine is reached. What is not given is what the user's ssh_config says of the host. */
export type SshSettings = {
  /** A name or address, or a `Host` of the ssh_config. */
  readonly host: string
  readonly port?: number | undefined
  readonly user?: string | undefined
  /** The one private key to show; none else is then, nor is an agent asked for another. */
  readonly identityFile?: string | undefined
  /** The one file of known hosts; those of the user and of the machine are then not looked at. */
  readonly knownHosts?: string | undefined
  /** An ssh_config to go by in place of the user's. */
  readonly config?: string | undefined
  /** How long a dead connection stays unnoticed at most, in seconds; 20 if not given. */
  readonly noticedWithin?: number | undefined
  /** How many programs run over the connection at once, those that wait aside; 8 if not given, sshd allows 10. */
  readonly sessions?: number | undefined
  /** How long the connection is kept while nothing uses it, in seconds; 10 if not given. */
  readonly keptFor?: number | undefined
}

/** How a machine is reached in the end, as OpenSSH itself would reach it. */
export type Reached = {
  readonly hostname: string
  readonly port: number
  readonly user: string
  readonly identityFiles: readonly string[]
  /** Where an agent listens that may hold the keys; undefined where none is to be asked. */
  readonly agent: string | undefined
  readonly knownHosts: readonly string[]
  /** The name that its key is kept under. */
  readonly knownAs: string
  /** What to tell ssh for a connection from the machine on that it is reached by; undefined where it is reached directly. */
  readonly jump: readonly string[] | undefined
}

/** The words for `ssh` that say what these settings say. The same ones resolve them and reach the machine. */
export const sshOptions = ({ port, user, identityFile, knownHosts, config }: SshSettings): readonly string[] => [
  ...(config === undefined ? [] : ['-F', resolve(config)]),
  ...(port === undefined ? [] : ['-p', String(port)]),
  ...(user === undefined ? [] : ['-l', user]),
  ...(identityFile === undefined ? [] : ['-o', `IdentityFile=${pathOption(identityFile)}`, '-o', 'IdentitiesOnly=yes']),
  ...(knownHosts === undefined
    ? []
    : ['-o', `UserKnownHostsFile=${pathOption(knownHosts)}`, '-o', 'GlobalKnownHostsFile=/dev/null']),
]

/** A path as the value of an option: in quotes, and with nothing in it that ssh would put something else for. */
const pathOption = (path: string): string => {
  const whole = untilde(path)
  if (/["\\\p{Cc}]|\$\{/u.test(whole))
    throw machineFaults.badName(
      'a path in the ssh settings',
      path,
      'ssh takes no quote, backslash, ${ or control character',
    )
  return `"${whole.replaceAll('%', '%%')}"`
}

const untilde = (path: string): string => resolve(path.replace(/^~(?=\/|$)/, () => homedir()))

/** Refuses settings that could mean something else to a program than what they are. */
export const checkSettings = ({ host, port, user, identityFile, knownHosts, config }: SshSettings): void => {
  if (!/^[\w:][\w.:%-]*$/.test(host))
    throw machineFaults.badName(
      'the host of a machine',
      host,
      'letters, digits, dots, colons and dashes are, and no dash is first',
    )
  if (user !== undefined && !/^[\w.][\w.@+-]*\$?$/.test(user))
    throw machineFaults.badName('a user', user, 'letters, digits, dots and dashes are, and no dash is first')
  if (port !== undefined && !(Number.isInteger(port) && port > 0 && port < 65_536))
    throw machineFaults.badName('a port', String(port), 'whole numbers from 1 to 65535 are')
  for (const path of [identityFile, knownHosts, config])
    if (path?.startsWith('-') || path === '')
      throw machineFaults.badName('a path in the ssh settings', path, 'a dash is first, or it is empty')
}

/** Asks OpenSSH how it would reach a machine: it alone knows what Host, Match and Include come to. */
export const reachedBy = async (settings: SshSettings): Promise<Reached> => {
  const { host } = settings
  const asked = promisify(execFile)('ssh', ['-G', ...sshOptions(settings), host])
  const { stdout } = await asked.catch((cause: { code?: unknown; stderr?: string }) => {
    if (cause.code === 'ENOENT') throw machineFaults.noProgram('this machine', 'ssh')
    throw machineFaults.badConfig(host, cause.stderr ?? String(cause))
  })
  const lines = stdout.split('\n').map((line) => /^(\S+) (.*)$/.exec(line) ?? [])
  const all = (option: string) => lines.flatMap(([, name, value]) => (name === option && value ? [value] : []))
  const one = (option: string) => all(option).find((value) => value !== 'none')
  if (one('proxycommand') !== undefined) throw machineFaults.throughProxy(host)

  const hostname = one('hostname') ?? host
  const port = Number(one('port') ?? 22)
  const files = (option: string) => (one(option) ?? '').split(' ').filter(Boolean)
  return {
    hostname,
    port,
    user: one('user') ?? '',
    identityFiles: settings.identityFile ? [untilde(settings.identityFile)] : all('identityfile').map(untilde),
    agent: agentFor(all('identityagent')[0], one('identitiesonly') === 'yes'),
    knownHosts: settings.knownHosts
      ? [untilde(settings.knownHosts)]
      : [...files('userknownhostsfile'), ...files('globalknownhostsfile')].map(untilde),
    knownAs: one('hostkeyalias') ?? (port === 22 ? hostname : `[${hostname}]:${port}`),
    jump: jumpBy(one('proxyjump'), `${hostname.includes(':') ? `[${hostname}]` : hostname}:${port}`, settings),
  }
}

/** The last machine of those it is reached by makes the connection, and is reached by the others; all as the ssh_config says. */
const jumpBy = (jumps: string | undefined, to: string, { config }: SshSettings): readonly string[] | undefined => {
  if (jumps === undefined) return undefined
  const others = jumps.split(',')
  const last = others.pop() ?? ''
  return [
    ...(config === undefined ? [] : ['-F', resolve(config)]),
    ...['-o', 'BatchMode=yes', '-o', 'StrictHostKeyChecking=yes', '-o', 'ControlPath=none'],
    ...(others.length > 0 ? ['-J', others.join(',')] : []),
    ...['-W', to, '--', last.includes('://') ? last : `ssh://${last}`],
  ]
}

/** Where the agent listens: where the config says, or else the environment. With `IdentitiesOnly` it is left alone unless named. */
const agentFor = (named: string | undefined, onlyFiles: boolean): string | undefined => {
  if (named === 'none') return undefined
  if (named !== undefined && named !== 'SSH_AUTH_SOCK') return untilde(named)
  return onlyFiles ? undefined : process.env.SSH_AUTH_SOCK
}
