import { type Command, Option } from 'commander'
import type { RunFilters } from '#client/runs'
import { limit } from './options.ts'
import { printPage } from './print.ts'
import { runLogs } from './run-logs.ts'
import { runOrders } from './run-orders.ts'
import { runShow } from './run-show.ts'
import { runStarts } from './run-starts.ts'
import { runWatch } from './run-watch.ts'
import { inSession, type SessionOptions } from './session.ts'
import { type Picked, type Span, withPipeline, withSpan } from './words.ts'

type Options = SessionOptions & Picked

const states = ['running', 'paused', 'cancelling', 'succeeded', 'failed', 'cancelled', 'timed-out'] as const

export const runsVerb = (program: Command): void => {
  const runs = program.command('runs').description('list, show, start, steer and watch runs')

  withSpan(withPipeline(runs.command('ls')), 'began')
    .description('list runs, newest first')
    .addOption(new Option('--status <state>', 'only those that stand so').choices(states))
    .addOption(
      new Option('--trigger <kind>', 'only those that began for this').choices(['files', 'request', 'metric', 'rerun']),
    )
    .option('--limit <n>', 'how many', limit, 20)
    .addHelpText('after', '\nExample:\n  millrace runs ls --status failed --from 2026-01-31')
    .action(({ status: state, ...options }: Options & Span & { status?: RunFilters['state'] } & RunFilters) =>
      inSession(options, async ({ client, json }) => {
        const { pipeline, from, to, at, trigger, limit } = options
        const page = await client.runs.list({ pipeline, state, from, to, at, trigger, limit })
        const ofSeveral = new Set(page.items.map((run) => run.pipeline)).size > 1
        printPage(page, [ofSeveral ? 'run' : 'number', 'state', 'trigger', 'startedAt', 'endedAt', 'message'], json)
      }),
    )

  runShow(runs)
  runStarts(runs)
  runOrders(runs)
  runLogs(runs)
  runWatch(runs)
}
