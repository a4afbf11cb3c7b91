import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { dirname } from 'node:path'
import { Fault } from '#bus/fault'
import { endGroup } from '../group.ts'
import { byLine } from '../lines.ts'

export type Protocol = 'https' | 'ssh' | 'file'

/** How git shows itself to a machine that it reaches by ssh, and by what it knows that machine: absolute paths. */
export type SshKeys = { readonly identityFile: string; readonly knownHosts: string }

export type GitCall = {
  readonly folder: string
  /** What may be spoken with other machines; nothing else is, whatever a repository says. */
  readonly protocols: readonly Protocol[]
  /** Without it, the ssh configuration of this user counts; a host that is not known is refused either way. */
  readonly ssh?: SshKeys | undefined
  readonly signal: AbortSignal
  /** Told of each line that git says to people. */
  readonly hear?: ((line: string) => void) | undefined
  /** Told the program with its arguments, as it is run. */
  readonly ran?: ((program: readonly string[]) => void) | undefined
  /** Takes what git prints for programs. */
  readonly take?: ((chunk: Buffer) => void) | undefined
}

/** How git ended, and what it said last, without its progress. */
export type GitEnded = { readonly code: number | null; readonly lastWords: string }

/**
 * Settings that no repository can undo: no hooks, no helpers, no other host than the one that was named, names that mean the
 * same on every system, and no large file as a whole in memory.
 */
const settings = [
  ...['core.hooksPath=/dev/null', 'core.fsmonitor=false', 'core.symlinks=true', 'core.autocrlf=false'],
  ...['core.protectHFS=true', 'core.protectNTFS=true', 'core.bigFileThreshold=16m', 'credential.helper='],
  ...['http.followRedirects=false', 'transfer.bundleURI=false', 'submodule.recurse=false', 'protocol.allow=never'],
  ...['gc.auto=0', 'maintenance.auto=false', 'advice.detachedHead=false'],
]

/** What git may know of the environment of this process: where programs lie, and the way out to the net. */
const passedOn = [
  ...['PATH', 'TMPDIR', 'SSH_AUTH_SOCK', 'SSL_CERT_FILE', 'SSL_CERT_DIR', 'GIT_SSL_CAINFO'],
  ...['http_proxy', 'https_proxy', 'HTTPS_PROXY', 'all_proxy', 'ALL_PROXY', 'no_proxy', 'NO_PROXY'],
]

/** How many lines are told, for a host may talk without end; how many of the last are kept, and how much of each. */
const mostTold = 1_000
const mostLines = 8
const longestLine = 500

/** What git says where all goes well. */
const progress = /^(?:remote: )?[\w ]+: +\d+(?:%|,|$)|^Cloning into |^warning: filtering not recognized/

/**
 * Runs git with these arguments, as no user of this machine has set it up. Resolves with how it ended; rejects with the
 * signal's reason where that aborted, once git and all that it started are gone.
 */
export const git = async (args: readonly string[], call: GitCall): Promise<GitEnded> => {
  const { folder, protocols, ssh, signal, hear, ran, take } = call
  signal.throwIfAborted()
  const given = [...settings, ...protocols.map((one) => `protocol.${one}.allow=always`)]
  const words = [...given.flatMap((one) => ['-c', one]), ...args]
  ran?.(['git', ...words])
  const child = spawn('git', words, {
    cwd: folder,
    env: environment(folder, ssh),
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true, // In a group of its own, so that what it starts ends with it.
  })
  const last: string[] = []
  let told = 0
  const lines = byLine((written) => {
    const line = written
      .replaceAll(/\p{Cc}/gu, ' ')
      .trimEnd()
      .slice(0, longestLine)
    told++
    if (told <= mostTold) hear?.(line)
    if (!progress.test(line)) last.splice(0, last.length, ...[...last, line].slice(-mostLines))
  })
  child.stderr.setEncoding('utf8').on('data', lines.add)
  child.stdout.on('data', (chunk: Buffer) => take?.(chunk))
  const closed = once(child, 'close')
  closed.catch(() => undefined)
  let ending: Promise<void> | undefined
  const end = () => {
    if (child.pid !== undefined) ending ??= endGroup(child.pid)
  }
  signal.addEventListener('abort', end, { once: true })
  if (signal.aborted) end()
  try {
    const [code] = (await closed) as [number | null]
    lines.end()
    await ending
    signal.throwIfAborted()
    return { code, lastWords: last.join('\n') }
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause
    throw new Fault('source.no-git', 'There is no program git on this machine. Install it', { cause })
  } finally {
    signal.removeEventListener('abort', end)
  }
}

const environment = (folder: string, ssh: SshKeys | undefined): NodeJS.ProcessEnv => ({
  ...Object.fromEntries(passedOn.flatMap((key) => (process.env[key] ? [[key, process.env[key]]] : []))),
  HOME: '/dev/null', // Nobody's: not what lies in a source either.
  GIT_CEILING_DIRECTORIES: dirname(folder),
  LC_ALL: 'C', // What it says is read here, too.
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_ATTR_NOSYSTEM: '1',
  GIT_TERMINAL_PROMPT: '0',
  GIT_SSH_VARIANT: 'ssh',
  GIT_SSH_COMMAND: sshCommand(ssh),
})

/** Git hands this to a shell, and ssh has words of its own in a path: it holds nothing that either takes for more than a name. */
const sshCommand = (ssh: SshKeys | undefined): string => {
  const options = ['BatchMode=yes', 'StrictHostKeyChecking=yes', 'ForwardAgent=no', 'PermitLocalCommand=no']
  const own = ssh && [
    ...[`IdentityFile=${plain(ssh.identityFile)}`, 'IdentitiesOnly=yes'],
    ...[`UserKnownHostsFile=${plain(ssh.knownHosts)}`, 'GlobalKnownHostsFile=/dev/null'],
  ]
  const all = [...options, ...(own ?? [])].map((option) => `-o ${option}`)
  return ['ssh', ...(ssh ? ['-F none'] : []), ...all].join(' ')
}

const plain = (path: string): string => {
  if (/^\/[\w./@+-]*$/.test(path)) return path
  throw new Fault(
    'source.bad-path',
    `'${path}' can't be given to ssh: use an absolute path of letters, digits and ._@+-/ for keys and known hosts`,
  )
}
