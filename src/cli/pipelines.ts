import { type Command, Option } from 'commander'
import type { ShownGraph } from '#client/pipelines'
import type { RequestRow } from '#client/rows'
import { limit } from './options.ts'
import { print, printPage, printRows } from './print.ts'
import { inSession, type SessionOptions, withSession } from './session.ts'
import { standing, whyQueued } from './standing.ts'
import { type Picked, printAnswer, reason, type Span, withAt, withPipeline, withSpan } from './words.ts'

type Options = SessionOptions & { readonly reason?: string }

export const pipelinesVerb = (program: Command): void => {
  const pipelines = program.command('pipelines').description('list pipelines, show their graph, hold them back')

  withSession(pipelines.command('ls'))
    .description('list pipelines that somebody has defined')
    .addHelpText('after', '\nExample:\n  millrace pipelines ls')
    .action((options: SessionOptions) =>
      inSession(options, async ({ client, json }) => {
        const found = await client.pipelines.list()
        const rows = found.map((row) => ({
          ...{ ...row, nodes: row.nodes.length, runs: row.runs ? 'here' : 'elsewhere' },
          hosts: row.hosts.length > 0 ? row.hosts.join(' ') : 'none is there',
        }))
        printRows(json ? found : rows, ['pipeline', 'state', 'reason', 'nodes', 'runs', 'concurrency', 'hosts'], json)
      }),
    )

  withAt(withSession(pipelines.command('graph [pipeline]')))
    .description('show the graph of all pipelines, or of one with its neighbours, and how each node stands')
    .addHelpText('after', '\nExample:\n  millrace pipelines graph root_pipeline')
    .action((pipeline: string | undefined, options: SessionOptions & Span) =>
      inSession(options, async ({ client, json }) => {
        const graph = around(pipeline, await client.pipelines.graph({ at: options.at }))
        if (json) return print(JSON.stringify(graph))
        const rows = standing(graph.nodes).map(({ part, kind, state, of }) => {
          const after = graph.edges.filter(({ target, kind }) => target === part && kind === 'after')
          return { part, kind, state, after: after.map(({ source }) => source).join(' '), of }
        })
        printRows(rows, ['part', 'kind', 'state', 'after', 'of'], false)
      }),
    )

  withSession(pipelines.command('pause <pipeline>'))
    .description('hold back its runs and nodes; what is being executed goes on to its end')
    .addOption(reason())
    .addHelpText('after', '\nExample:\n  millrace pipelines pause root_pipeline --reason holidays')
    .action((pipeline: string, options: Options) =>
      inSession(options, async ({ client, json }) => {
        printAnswer(await client.pipelines.pause(pipeline, { reason: options.reason }), json)
      }),
    )

  withSession(pipelines.command('resume <pipeline>'))
    .description('let go of what was held back')
    .addHelpText('after', '\nExample:\n  millrace pipelines resume root_pipeline')
    .action((pipeline: string, options: Options) =>
      inSession(options, async ({ client, json }) => printAnswer(await client.pipelines.resume(pipeline), json)),
    )
}

/** A graph as far as one pipeline goes, and the nodes that its own are joined to. */
const around = (pipeline: string | undefined, graph: ShownGraph): ShownGraph => {
  if (pipeline === undefined) return graph
  const isOwn = (part: string) => part.startsWith(`${pipeline}/`)
  const edges = graph.edges.filter(({ source, target }) => isOwn(source) || isOwn(target))
  const joined = new Set(edges.flatMap(({ source, target }) => [source, target]))
  return { ...graph, edges, nodes: graph.nodes.filter(({ part }) => isOwn(part) || joined.has(part)) }
}

type Listing = SessionOptions & Picked & Span & { readonly state?: RequestRow['state']; readonly limit: number }

export const requestsVerb = (program: Command): void => {
  const requests = program.command('requests').description('runs that were asked for')

  withSpan(withPipeline(requests.command('ls')), 'was asked for')
    .description('list them, newest first')
    .addOption(new Option('--status <state>', 'only those').choices(['queued', 'answered', 'dropped']))
    .option('--limit <n>', 'how many', limit, 20)
    .addHelpText('after', '\nExample:\n  millrace requests ls --status queued')
    .action(({ pipeline, status: state, from, to, at, ...options }: Listing & { status?: RequestRow['state'] }) =>
      inSession(options, async ({ client, json }) => {
        const page = await client.pipelines.requests(pipeline, { state, from, to, at, limit: options.limit })
        const isPresent = at === undefined && !json && page.items.some(({ state }) => state === 'queued')
        const known = isPresent ? await client.pipelines.list() : undefined
        const items = page.items.map((row) =>
          known && row.state === 'queued' ? { ...row, reason: whyQueued(known, row.pipeline) } : row,
        )
        printPage({ ...page, items }, ['request', 'state', 'at', 'message', 'run', 'reason', 'principal'], json)
      }),
    )

  withPipeline(requests.command('withdraw <request>'))
    .description('take back a request that no run has answered yet')
    .addOption(reason())
    .addHelpText('after', '\nExample:\n  millrace requests withdraw 0199c0de-5a1e-7cc0-8000-000000000001')
    .action((request: string, options: Options & Picked) =>
      inSession(options, async ({ client, json }) => {
        const pipeline = await client.pipelines.named(options.pipeline)
        printAnswer(await client.pipelines.withdraw(pipeline, request, { reason: options.reason }), json)
      }),
    )
}
