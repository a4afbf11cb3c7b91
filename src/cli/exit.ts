import { Fault, type FaultCode, reasonOf } from '#bus/fault'
import { printableLines } from './printable.ts'
import { stopped } from './signals.ts'

/** What each exit code says; they never change. */
export const exitCode = {
  done: 0,
  /** Something broke; the message says what. */
  broken: 1,
  /** The command line or the config is wrong. */
  usage: 2,
  /** The command was refused by its owner. */
  refused: 3,
  /** No server, or no owner, answers. */
  unreachable: 4,
  /** What was asked for is not there. */
  missing: 5,
  /** What was waited for has ended, and did not succeed. */
  unsuccessful: 6,
  /** A signal ended it before it was done. */
  stopped: 130,
} as const

/** Where every exit code is chosen: `broken`, unless another one says more. A fault that is not listed does not compile. */
const exitOf: Readonly<Record<FaultCode, keyof typeof exitCode>> = {
  'bus.unreachable': 'unreachable',
  'bus.no-owner': 'unreachable',
  'bus.timeout': 'unreachable',
  'bus.closed': 'broken',
  'bus.denied': 'broken',
  'bus.contended': 'broken',
  'bus.refused': 'broken',
  'bus.drift': 'broken',
  'bus.old-server': 'broken',
  'log.other': 'broken',
  'log.shorter': 'broken',
  'log.changed': 'broken',
  'contract.broken': 'usage',
  'contract.unknown': 'usage',
  'contract.too-large': 'usage',
  'host.twin': 'broken',
  'artifact.missing': 'missing',
  'artifact.changed': 'broken',
  'artifact.wrong': 'broken',
  'server.too-old': 'broken',
  'server.unusable': 'broken',
  'server.not-found': 'broken',
  'server.port-taken': 'broken',
  'server.exited': 'broken',
  'server.silent': 'broken',
  'server.own-key': 'broken',
  'lock.held': 'broken',
  'store.outside': 'broken',
  'store.away': 'broken',
  'store.no-folder': 'broken',
  'store.taken': 'broken',
  'store.foreign': 'broken',
  'store.missing': 'missing',
  'store.unwatchable': 'broken',
  'store.unknown': 'missing',
  'store.no-cards': 'usage',
  'store.read-only': 'broken',
  'resource.failed': 'broken',
  'resource.silent': 'broken',
  'config.unreadable': 'usage',
  'config.empty': 'usage',
  'config.bad': 'usage',
  'config.folder': 'usage',
  'config.state': 'usage',
  'config.not-installed': 'usage',
  'card.invalid': 'usage',
  'action.no-program': 'broken',
  'projection.behind': 'broken',
  'projection.halted': 'broken',
  'projection.foreign': 'broken',
  'projection.rebuilding': 'broken',
  'projection.busy': 'broken',
  'query.broken': 'usage',
  'query.other-log': 'usage',
  'query.bad-cursor': 'usage',
  'query.nothing': 'missing',
  'web.port-taken': 'broken',
  'web.exposed': 'usage',
  'web.bad-tokens': 'usage',
  'web.unknown-user': 'broken',
  'web.no-secrets': 'broken',
  'web.forbidden': 'broken',
  'web.misdirected': 'broken',
}

/** The exit code for something that was thrown. What a command line or a config has wrong may be told where it is read. */
export const exitCodeOf = (thrown: unknown): number => {
  if (thrown === stopped) return exitCode.stopped
  const code = thrown instanceof Fault ? thrown.code : ''
  if (code === 'vault.denied') return exitCode.refused
  const known = (exitOf as Readonly<Record<string, keyof typeof exitCode>>)[code]
  return exitCode[known ?? (/^(config|contract|link)\./.test(code) ? 'usage' : 'broken')]
}

/** The exit code for what was asked and not done: a run that there is not is missing, whichever verb was to do something with it. */
export const exitCodeOfRefusal = (refusal: string): number =>
  refusal === 'unknown' ? exitCode.missing : exitCode.refused

/** Says what went wrong, in one sentence, and ends with the code for it. For a child of `up`, the starter says it. */
export const fail = (thrown: unknown): Promise<never> =>
  new Promise(() => {
    const end = () => process.exit(exitCodeOf(thrown))
    if (thrown === stopped) end()
    if (!(thrown instanceof Fault) && thrown instanceof Error && process.env.MILLRACE_DEBUG)
      process.stderr.write(`${thrown.stack}\n`)
    const reason = reasonOf(thrown)
    const code = thrown instanceof Fault ? thrown.code : undefined
    if (process.send) process.send({ kind: 'failed', reason, code }, end)
    else process.stderr.write(`${printableLines(reason)}\n`, end)
  })
