import { mkdir, stat } from 'node:fs/promises'
import { isAbsolute } from 'node:path'
import type { CopyOptions, Machine } from './machine.ts'
import { machineFaults } from './machine-faults.ts'
import { remoteShell } from './quote.ts'
import { cannotWrite, rsyncFault } from './rsync-faults.ts'
import { questions, type SshSettings, sshOptions } from './ssh-settings.ts'

/** Where rsync keeps what it has of a file that was cut off; it is never sent, nor counted as superfluous. */
export const partialFolder = '.rsync-partial'

/** How often it is run once more where it could not write and said no word of why: the other side's last words get lost at times. */
const askedAgain = 3

type Copy = {
  readonly from: string
  readonly to: string
  /** Whether what comes is ours. What is not is taken over as regular files and folders alone, with modes of our own. */
  readonly trusted: boolean
  /** The machine it is read from, and the one it is written to, as people call them. */
  readonly ends: readonly [from: string, to: string]
  /** How rsync reaches the other machine. */
  readonly shell?: string
}

/** How rsync reaches a machine, and writes a place there: with the settings that all else is run with. */
export const farSide = (settings: SshSettings, noticedWithin: number) => {
  const { host } = settings
  const options = {
    BatchMode: 'yes',
    StrictHostKeyChecking: 'yes',
    UpdateHostKeys: 'no',
    // Whatever the ssh_config has for people at a terminal: no agent is lent to the other machine, and no words are mixed in.
    ClearAllForwardings: 'yes',
    ForwardAgent: 'no',
    ForwardX11: 'no',
    RemoteCommand: 'none',
    RequestTTY: 'no',
    PermitLocalCommand: 'no',
    ControlPath: 'none',
    LogLevel: 'ERROR',
    ConnectTimeout: Math.ceil(noticedWithin),
    ServerAliveInterval: Math.max(1, Math.floor(noticedWithin / (questions + 1))),
    ServerAliveCountMax: questions,
  }
  const said = Object.entries(options).flatMap(([option, value]) => ['-o', `${option}=${value}`])
  return {
    shell: remoteShell(['ssh', ...sshOptions(settings), ...said]),
    place: (path: string): string => `${host.includes(':') ? `[${host}]` : host}:${path}`,
  }
}

/**
 * Copies what lies in a folder, with `rsync` run here. What is there already is not sent again, nor is what was sent of a file
 * before it was cut off, in as far as rsync could still put that aside: killed itself by force, it leaves a file behind that begins
 * with a dot and is of no use. `run` runs rsync on this machine.
 */
export const copyFolder = async (
  run: Machine['run'],
  { from, to, trusted, ends, shell }: Copy,
  { signal, progress, ran, byBytes = false, exact = false, except = [] }: CopyOptions,
): Promise<void> => {
  if (isAbsolute(from) && !(await stat(from).catch(() => undefined))?.isDirectory())
    throw machineFaults.noFolder(ends[0], from)
  if (isAbsolute(to)) await mkdir(to, { recursive: true })
  const rsync = [
    ...['rsync', '--recursive', '--times', '--omit-dir-times', '--perms'],
    // A link that leads out of the folder would show what does not belong to it.
    ...(trusted ? ['--links', '--safe-links'] : ['--no-links', '--chmod=D755,F644']),
    ...['--no-owner', '--no-group', '--no-devices', '--no-specials', '--protect-args'],
    ...['--partial', `--partial-dir=${partialFolder}`, ...(exact ? ['--delete'] : [])],
    ...(byBytes ? ['--checksum'] : []),
    ...except.map((name) => `--exclude=/${name}`),
    ...['--info=progress2', '--no-human-readable', '--no-inc-recursive', '--outbuf=N'],
    ...(shell === undefined ? [] : ['--compress', `--rsh=${shell}`]),
    ...['--', `${from}/`, `${to}/`],
  ]
  // So that what it says can be read, whatever the language of the machine.
  const program: readonly [string, ...string[]] = ['env', 'LC_ALL=C.UTF-8', ...rsync]
  ran?.(rsync)
  let bytes = 0
  const complaints: string[] = []
  const hear = (stream: 'stdout' | 'stderr', line: string): void => {
    if (stream === 'stderr' && complaints.length < 50) complaints.push(line)
    const [, copied, percent] = (stream === 'stdout' && /^\s*(\d+)\s+(\d+)%/.exec(line)) || []
    if (copied === undefined) return
    bytes = Number(copied)
    progress?.(bytes, Number(percent))
  }
  let ended = await run(program, { signal, hear })
  for (let more = askedAgain; more > 0 && ended.code === cannotWrite && complaints.length === 0; more--)
    ended = await run(program, { signal, hear })
  if (ended.code !== 0) throw rsyncFault(ended, complaints, ends, `copy ${from} to ${to}`)
  progress?.(bytes, 100)
}
