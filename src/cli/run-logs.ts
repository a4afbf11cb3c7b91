import { type Command, Option } from 'commander'
import type { LogLine, LogsOptions } from '#client/logs'
import { whole } from './options.ts'
import { print, timeOf } from './print.ts'
import { printable } from './printable.ts'
import { inSession, type SessionOptions } from './session.ts'
import { type Picked, runOf, withRun } from './words.ts'

type Options = SessionOptions & Picked & Pick<LogsOptions, 'attempt' | 'tail' | 'follow' | 'level'>

export const runLogs = (runs: Command): void => {
  withRun(runs.command('logs'))
    .argument('[node]', 'one node alone: <pipeline>/<node>, or the node')
    .description('print what the nodes of a run printed')
    .option('--attempt <n>', 'only what this attempt printed', whole(1))
    .option('--tail <n>', 'only the last lines of what is there', whole(0))
    .option('--follow', 'go on with what comes, until the run has ended')
    .addOption(
      new Option('--level <level>', 'only lines of at least this level').choices(['debug', 'info', 'warn', 'error']),
    )
    .addHelpText('after', '\nExample:\n  millrace runs logs 17 haiku_eval --tail 20 --follow')
    .action((word: string, node: string | undefined, options: Options) =>
      inSession(options, async ({ client, json, signal }) => {
        const { attempt, tail, follow, level } = options
        const lines = client.runs.logs(runOf(word, options), { node, attempt, tail, follow, level, signal })
        for await (const line of lines) print(json ? JSON.stringify(line) : lineOf(line, node !== undefined))
      }),
    )
}

export const lineOf = ({ at, level, text, part, attempt, more }: LogLine, isOne: boolean): string => {
  const who = isOne ? '' : ` ${part}`
  const which = attempt > 1 ? ` (attempt ${attempt})` : ''
  const { progress, ...others } = more ?? {}
  const unsaid = isIn(text, progress) ? others : (more ?? {})
  const rest = Object.keys(unsaid).length === 0 ? '' : ` ${JSON.stringify(unsaid)}`
  // What it says in several lines stays so; indented, none can be taken for another one.
  const said = `${text.trimEnd()}${rest}`.split('\n').map(printable).join('\n    ')
  return `${timeOf(at)} ${level.toUpperCase()}${printable(who)}${which}: ${said}`
}

/** Whether a line already says how far its node has come, as one does that tells nothing else. */
const isIn = (text: string, progress: unknown): boolean => {
  const { done, of } = (progress ?? {}) as { readonly done?: unknown; readonly of?: unknown }
  return typeof done === 'number' && `${text}:`.startsWith(of === undefined ? `${done}:` : `${done} of ${of}:`)
}
