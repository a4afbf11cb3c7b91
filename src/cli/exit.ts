import { Fault, reasonOf } from '#bus/fault'

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
} as const

/** The exit code for something that was thrown. */
export const exitCodeOf = (thrown: unknown): number => {
  const code = thrown instanceof Fault ? thrown.code : ''
  if (/^(config|contract)\./.test(code)) return exitCode.usage
  if (['bus.unreachable', 'bus.no-owner', 'bus.timeout'].includes(code)) return exitCode.unreachable
  return exitCode.broken
}

/** Says what went wrong, in one sentence, and ends with the code for it. */
export const fail = (thrown: unknown): never => {
  process.stderr.write(`${reasonOf(thrown)}\n`)
  if (!(thrown instanceof Fault) && thrown instanceof Error && process.env.MILLRACE_DEBUG)
    process.stderr.write(`${thrown.stack}\n`)
  process.exit(exitCodeOf(thrown))
}
