import type { Command } from 'commander'
import type { Bus } from '#bus/bus'
import { ask, uuidv7 } from '#bus/command'
import { readEvent } from '#contracts/all'
import { sequenceOf } from '#contracts/names'
import type { PipelineEvent } from '#contracts/pipeline'
import { historyOf } from '#contracts/subjects'
import { exitCode } from './exit.ts'
import { keepsMetadata, knownPipelines, metadataPipeline } from './known.ts'
import { type Common, limit, whole } from './options.ts'
import { print, printOne, printRows } from './print.ts'
import { consoleOf, inSession, query, withSession } from './session.ts'
import { storyOf } from './story.ts'

type Options = Common & { readonly pipeline?: string }
type Rows = readonly Readonly<Record<string, unknown>>[]
type RunRow = { readonly number: number; readonly state: string } & Readonly<Record<string, unknown>>

const withPipeline = (command: Command): Command =>
  withSession(command).option('--pipeline <name>', 'the pipeline; needed where several keep metadata')

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
    .description('show one run: its nodes, inputs, outputs and metrics')
    .addHelpText('after', '\nExample:\n  millrace runs show 0 --json')
    .action(({ pipeline, number }: RunArgument, options: Options) =>
      inSession(options, async ({ bus, json }) => {
        const scope = await metadataPipeline(bus, options.pipeline ?? pipeline)
        const run = await query<RunRow & { readonly [section in 'nodes' | 'artifacts' | 'metrics']?: Rows }>(
          bus,
          'run',
          scope,
          {
            run: number,
          },
        )
        if (json) return print(JSON.stringify(run))
        const { nodes = [], artifacts = [], metrics = [], ...rest } = run
        printOne(Object.fromEntries(Object.entries(rest).filter(([, value]) => typeof value !== 'object')), false)
        printRows(nodes, ['part', 'state', 'reason', 'attempt', 'host'], false)
        if (artifacts.length > 0) printRows(artifacts, ['what', 'store', 'path', 'size', 'part'], false)
        if (metrics.length > 0) printRows(metrics, ['key', 'value', 'step', 'part'], false)
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
        const id = uuidv7()
        const answer = await ask(bus, { address, type: 'pipeline.start', data: { message: options.message }, id })
        if (!answer.accepted) process.exitCode = exitCode.refused
        if (!answer.accepted) return printOne(answer, json)
        const { accepted, position } = answer
        const number = await plannedAs(bus, scope, id, position)
        const run = number === undefined ? undefined : `${scope}/${number}`
        if (json) return print(JSON.stringify({ accepted, position, run: run ?? null }))
        const web = await consoleOf(bus, scope)
        const at = run ? `${web}/runs/${run}` : `${web}/runs`
        printOne({ accepted, position, run: run ?? 'queued until a slot is free', ...(web && { console: at }) }, false)
      }),
    )

  withPipeline(runs.command('watch'))
    .description('print what happens in runs, as it happens')
    .addHelpText('after', '\nExample:\n  millrace runs watch')
    .action((options: Options) =>
      inSession(
        options,
        async ({ bus, json, signal }) => {
          const head = await bus.head()
          const web = json ? undefined : await anyConsole(bus, options.pipeline)
          process.stderr.write(`Watching runs${web ? `, which ${web}/runs shows` : ''}; Ctrl-C ends it\n`)
          await bus.follow(
            { logId: bus.logId, sequence: head },
            ({ events }) => {
              for (const event of events) {
                if (options.pipeline && event.address.scope !== options.pipeline) continue
                const line = json ? JSON.stringify(event) : storyOf(event, web)
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

/** How long a run that was asked for may take to get its number, in milliseconds: one that waits for a slot takes longer. */
const numberedWithin = 3_000

/** The number of the run that a request became; undefined where it is queued. */
const plannedAs = async (bus: Bus, scope: string, request: string, after: string | undefined) => {
  const done = new AbortController()
  const history = historyOf({ aggregate: 'pipeline', scope, key: 'self' })
  let number: number | undefined
  await bus.follow(
    { logId: bus.logId, sequence: sequenceOf(after) },
    ({ events }) => {
      for (const recorded of events) {
        const reading = readEvent(recorded)
        const event = reading.kept ? (reading.event as unknown as PipelineEvent) : undefined
        if (event?.type !== 'pipeline.run-planned' || event.data.trigger.request !== request) continue
        number = event.data.run
        done.abort()
      }
    },
    AbortSignal.any([done.signal, AbortSignal.timeout(numberedWithin)]),
    [history],
  )
  return number
}

/** A console that shows runs: that of a pipeline, or the first that answers, for each of them shows all. */
const anyConsole = async (bus: Bus, pipeline: string | undefined): Promise<string | undefined> => {
  const scopes = pipeline ? [pipeline] : [...(await knownPipelines(bus)).values()].filter(keepsMetadata)
  for (const scope of scopes) {
    const found = await consoleOf(bus, typeof scope === 'string' ? scope : scope.pipeline)
    if (found) return found
  }
  return undefined
}
