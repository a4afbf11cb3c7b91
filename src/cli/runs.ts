import type { Command } from 'commander'
import { ask } from '#bus/command'
import { exitCode } from './exit.ts'
import { metadataPipeline } from './known.ts'
import { type Common, limit, whole } from './options.ts'
import { print, printOne, printRows } from './print.ts'
import { inSession, query, withSession } from './session.ts'
import { storyOf } from './story.ts'

type Options = Common & { readonly pipeline?: string }
type RunRow = { readonly number: number; readonly state: string } & Readonly<Record<string, unknown>>

const withPipeline = (command: Command): Command =>
  withSession(command).option('--pipeline <name>', 'the pipeline; needed where there are several')

type RunArgument = { readonly pipeline: string | undefined; readonly number: number }

/** A run as its number, or as every screen and line calls it. */
const runIn = (text: string): RunArgument => {
  const [, pipeline, number = text] = /^([\w-]+)\/(.*)$/.exec(text) ?? []
  return { pipeline, number: whole(0)(number) }
}

export const runsVerb = (program: Command): void => {
  const runs = program.command('runs').description('list, show, start and watch runs')

  withPipeline(runs.command('ls'))
    .description('list runs, newest first')
    .option('--status <state>', 'running, succeeded or failed')
    .option('--limit <n>', 'how many', limit, 20)
    .addHelpText('after', '\nExample:\n  millrace runs ls --status failed')
    .action((options: Options & { status?: string; limit: number }) =>
      inSession(options, async ({ bus, json }) => {
        const scope = await metadataPipeline(bus, options.pipeline)
        const page = await query<{ items: RunRow[] }>(bus, 'runs', scope, {
          pipeline: scope,
          limit: options.limit,
          ...(options.status && { state: options.status }),
        })
        printRows(page.items, ['number', 'state', 'trigger', 'startedAt', 'endedAt', 'message'], json)
      }),
    )

  withPipeline(runs.command('show').argument('<run>', 'its number, or <pipeline>/<number>', runIn))
    .description('show one run: its nodes, inputs and outputs')
    .addHelpText('after', '\nExample:\n  millrace runs show 0 --json')
    .action(({ pipeline, number }: RunArgument, options: Options) =>
      inSession(options, async ({ bus, json }) => {
        const scope = await metadataPipeline(bus, options.pipeline ?? pipeline)
        const run = await query<RunRow & { nodes?: readonly Readonly<Record<string, unknown>>[] }>(bus, 'run', scope, {
          run: number,
        })
        if (json) return print(JSON.stringify(run))
        const { nodes = [], ...rest } = run
        printOne(Object.fromEntries(Object.entries(rest).filter(([, value]) => typeof value !== 'object')), false)
        printRows(nodes, ['part', 'state', 'reason', 'attempt', 'host'], false)
      }),
    )

  withPipeline(runs.command('start'))
    .description('ask for a run, whatever has arrived')
    .option('--message <text>', 'why', 'on request')
    .addHelpText('after', '\nExample:\n  millrace runs start --message "after the holidays"')
    .action((options: Options & { message: string }) =>
      inSession(options, async ({ bus, json }) => {
        const scope = await metadataPipeline(bus, options.pipeline)
        const address = { aggregate: 'pipeline', scope, key: 'self' }
        const answer = await ask(bus, { address, type: 'pipeline.start', data: { message: options.message } })
        printOne(answer.accepted ? { accepted: true, position: answer.position } : answer, json)
        if (!answer.accepted) process.exitCode = exitCode.refused
      }),
    )

  withPipeline(runs.command('watch'))
    .description('print what happens in runs, as it happens')
    .addHelpText('after', '\nExample:\n  millrace runs watch')
    .action((options: Options) =>
      inSession(
        options,
        async ({ bus, json, signal }) => {
          await bus.follow(
            { logId: bus.logId, sequence: await bus.head() },
            ({ events }) => {
              for (const event of events) {
                if (options.pipeline && event.address.scope !== options.pipeline) continue
                const line = json ? JSON.stringify(event) : storyOf(event, '')
                if (line) print(line)
              }
            },
            signal,
          )
        },
        { patient: true },
      ),
    )
}
