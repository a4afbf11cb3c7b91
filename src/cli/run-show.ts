import type { Command } from 'commander'
import { print, printOne, printRows } from './print.ts'
import { inSession, type SessionOptions } from './session.ts'
import { standing } from './standing.ts'
import { type Picked, runOf, type Span, withAt, withRun } from './words.ts'

type Row = Readonly<Record<string, unknown>>

/** Prints rows where there are any. */
const printSome = (rows: readonly Row[], columns: readonly string[]): void => {
  if (rows.length > 0) printRows(rows, columns, false)
}

/** What was noted, its key under the name of what it is. */
const noted = (what: string, rows: readonly (Row & { readonly key: string })[]): void =>
  printSome(
    rows.map(({ key, ...row }) => ({ ...row, [what]: key })),
    [what, 'value', ...(what === 'metric' ? ['step'] : []), 'part', 'attempt'],
  )

export const runShow = (runs: Command): void => {
  withAt(withRun(runs.command('show')))
    .description('show one run: its nodes and what each said, inputs and outputs, params, tags and metrics')
    .addHelpText('after', '\nExample:\n  millrace runs show 0 --json')
    .action((word: string, options: SessionOptions & Picked & Span) =>
      inSession(options, async ({ client, json }) => {
        const run = await client.runs.get(runOf(word, options), { at: options.at })
        const of = { run: run.run, at: options.at, limit: 1_000, metadata: run.pipeline }
        const [artifacts, params, tags, metrics] = await Promise.all([
          client.artifacts.history(of),
          client.params.list(of),
          client.tags.list(of),
          client.metrics.list(of),
        ])
        if ([artifacts, params, tags, metrics].some(({ next }) => next !== null))
          process.stderr.write(
            'There are more than 1000 of some: artifacts history, or the ls of each, has all of them\n',
          )
        if (json) {
          const lists = { artifacts: artifacts.items, params: params.items, tags: tags.items, metrics: metrics.items }
          return print(JSON.stringify({ ...run, ...lists }))
        }
        const { nodes, ...rest } = run
        printOne(Object.fromEntries(Object.entries(rest).filter(([, value]) => typeof value !== 'object')), false)
        const said = nodes.some(({ message }) => message !== null) ? ['message'] : []
        printRows(standing(nodes), ['part', 'state', 'reason', ...said, 'attempt', 'host'], false)
        printSome(artifacts.items, ['what', 'store', 'path', 'size', 'part'])
        noted('param', params.items)
        noted('tag', tags.items)
        noted('metric', metrics.items)
      }),
    )
}
