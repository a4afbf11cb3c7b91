import type { Command } from 'commander'
import { type StepLine, stepLogsOf } from '#client/experiment-logs'
import { partIn, stepIn, withExperiment } from './experiment-words.ts'
import { whole } from './options.ts'
import { print, timeOf } from './print.ts'
import { printable } from './printable.ts'
import { inSession, type SessionOptions } from './session.ts'

type Options = SessionOptions & {
  readonly part?: string
  readonly step?: string
  readonly attempt?: number
  readonly follow?: boolean
}

export const experimentLogs = (experiment: Command): void => {
  withExperiment(experiment.command('logs'))
    .description('print what the steps of an experiment printed, the commands that they ran among it')
    .option('--part <site/node>', 'only what this part printed: an end node, a site, or portal', partIn)
    .option('--step <name>', 'only what this step printed', stepIn)
    .option('--attempt <n>', 'only what this attempt printed', whole(1))
    .option('--follow', 'go on with what comes, until stopped')
    .addHelpText('after', '\nExample:\n  millrace experiment logs rover-7k2m9x --step build --follow')
    .action((id: string, options: Options) =>
      inSession(options, async ({ bus, client, json, signal }) => {
        await client.experiments.get(id) // One that is not there has printed nothing either, which would say less.
        const { part, step, attempt, follow } = options
        for await (const line of stepLogsOf(bus, id, { part, step, attempt, follow, signal }))
          print(json ? JSON.stringify(line) : textOf(line))
      }),
    )
}

/** A line as it is shown: when, of which step and part, and what. */
export const textOf = ({ at, level, text, part, step = '' }: StepLine): string => {
  const grave = level === 'info' || level === 'debug' ? '' : `${level.toUpperCase()} `
  return `${timeOf(at)} ${printable(step)} ${printable(part)}: ${grave}${text.split('\n').map(printable).join('\n    ')}`
}
