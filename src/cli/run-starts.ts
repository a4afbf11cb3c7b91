import { type Command, Option } from 'commander'
import type { RerunOptions } from '#client/repeating'
import type { Started } from '#client/starting'
import type { Preview } from '#contracts/repetition'
import { exitCode, exitCodeOfRefusal } from './exit.ts'
import { print, printOne, printRows } from './print.ts'
import { inSession, type Session, type SessionOptions } from './session.ts'
import { whyQueued } from './standing.ts'
import { type Picked, runOf, withPipeline, withRun } from './words.ts'

type Options = SessionOptions & Picked & { readonly message?: string }
type Again = Options & {
  readonly from?: readonly string[]
  readonly failed?: boolean
  readonly definition: 'old' | 'present'
  readonly dryRun?: boolean
}

/** Verbs that begin a run. */
export const runStarts = (runs: Command): void => {
  withPipeline(runs.command('start'))
    .description('ask for a run, whatever has arrived')
    .option('--message <text>', 'why', 'on request')
    .addHelpText('after', '\nExample:\n  millrace runs start --message "after the holidays"')
    .action((options: Options) =>
      inSession(options, async (session) => {
        const { pipeline, message } = options
        await printStarted(session, pipeline, await session.client.runs.start({ pipeline, message }))
      }),
    )

  withRun(runs.command('rerun'))
    .description('repeat a run with the same inputs; what is not executed again is reused, proven by its hash')
    .addOption(
      new Option('--from <node...>', 'only from these nodes on: <pipeline>/<node>, or the node').conflicts('failed'),
    )
    .option('--failed', 'only what did not succeed, and what is behind it')
    .addOption(
      new Option('--definition <which>', 'with the graph that the run had, or the one there is now')
        .choices(['old', 'present'])
        .default('present'),
    )
    .option('--message <text>', 'why')
    .option('--dry-run', 'say what would be executed again and what reused, and begin nothing')
    .addHelpText('after', '\nExample:\n  millrace runs rerun 17 --from haiku_eval --dry-run')
    .action((word: string, options: Again) =>
      inSession(options, async (session) => {
        const { client, json } = session
        const { from = options.failed ? 'failed' : 'start', definition, message } = options
        const how: RerunOptions = { from, definition }
        const run = runOf(word, options)
        if (options.dryRun) return printPreview(await client.runs.preview(run, how), json)
        const [pipeline] = run.includes('/') ? run.split('/') : []
        await printStarted(session, pipeline, await client.runs.rerun(run, { ...how, message }))
      }),
    )
}

const printStarted = async (
  { client, json }: Session,
  pipeline: string | undefined,
  started: Started,
): Promise<void> => {
  if (!started.accepted) process.exitCode = exitCodeOfRefusal(started.refusal)
  else if (started.dropped !== undefined) process.exitCode = exitCode.refused
  if (!started.accepted) return printOne(started, json)
  const { accepted, request, position, run, dropped } = started
  const isQueued = run === undefined && dropped === undefined
  const waits = isQueued && whyQueued(await client.pipelines.list(), await client.pipelines.named(pipeline))
  if (json) {
    const became = { run: run ?? null, ...(dropped && { dropped }), ...(waits && { waits }) }
    return print(JSON.stringify({ accepted, request, position, ...became }))
  }
  if (dropped !== undefined) return printOne({ accepted: false, refusal: 'dropped', detail: dropped }, false)
  const web = run && (await client.pipelines.console(run.split('/')[0] ?? ''))
  const shown = { accepted, position, run: run ?? waits, ...(run === undefined && { request }) }
  printOne({ ...shown, ...(web && { console: `${web}/runs/${run}` }) }, false)
}

const printPreview = (preview: Preview, json: boolean): void => {
  if (!preview.possible) process.exitCode = exitCode.refused
  const rows = (preview.possible ? preview.nodes : []).map(({ part, reused, reason }) => ({
    node: part,
    becomes: reused === null ? 'executed again' : `reused from run ${reused}`,
    why: reason,
  }))
  if (json || !preview.possible) printOne(preview, json)
  else printRows(rows, ['node', 'becomes', 'why'], false)
}
