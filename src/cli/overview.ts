import type { Command } from 'commander'
import type { Bus } from '#bus/bus'
import { sequenceOf } from '#contracts/names'
import { queryOf } from '#contracts/subjects'
import { exitCode } from './exit.ts'
import { keepsMetadata, knownPipelines, metadataPipeline, mustBeKnown } from './known.ts'
import type { Common } from './options.ts'
import { print, printOne, printRows } from './print.ts'
import { inSession, query, withSession } from './session.ts'

type Row = Readonly<Record<string, unknown>>

export const hostsVerb = (program: Command): void => {
  const hosts = program.command('hosts').description('who is there')
  withSession(hosts.command('ls'))
    .description('list hosts that are there, and what they run')
    .addHelpText('after', '\nExample:\n  millrace hosts ls')
    .action((options: Common) =>
      inSession(options, async ({ bus, json }) => {
        const rows = (await bus.present()).map(({ host, machine, seenAt, nodes }) => ({
          host,
          machine,
          seen: `${Math.max(0, Math.round((Date.now() - seenAt) / 1000))} s ago`,
          nodes: nodes.join(' '),
        }))
        printRows(rows, ['host', 'machine', 'seen', 'nodes'], json)
      }),
    )
}

export const statusVerb = (program: Command): void => {
  withSession(program.command('status'))
    .description('show the log, who is there, and how every node stands')
    .option('--pipeline <name>', 'whose metadata store tells how the nodes stand; by default the first that answers')
    .addHelpText('after', '\nExample:\n  millrace status --pipeline root_pipeline')
    .action((options: Common & { pipeline?: string }) =>
      inSession(options, async ({ bus, json }) => {
        const known = await knownPipelines(bus)
        if (options.pipeline) mustBeKnown(known, options.pipeline)
        const pipelines = [...known.keys()].sort()
        const hosts = (await bus.present()).map(({ host }) => host)
        const dead = (await bus.dead()).length
        const log = { log: bus.logId, head: await bus.head() }
        const scopes = options.pipeline ? [options.pipeline] : [...known.values()].filter(keepsMetadata).map(nameOf)
        const nodes = await nodesFrom(bus, scopes)
        if (json) return print(JSON.stringify({ ...log, pipelines, hosts, dead, nodes: nodes ?? null }))
        printOne({ ...log, pipelines: pipelines.join(' '), hosts: hosts.join(' '), dead }, false)
        if (nodes) return printRows(nodes, ['part', 'kind', 'state', 'reason', 'run'], false)
        const whose = scopes.length > 0 ? ` of ${scopes.join(', ')} answers` : ' is there'
        print(`How the nodes stand is not known: no metadata store${whose}`)
      }),
    )
}

const nameOf = ({ pipeline }: { readonly pipeline: string }): string => pipeline

/** Every node of all pipelines as it stands, from the first metadata store that answers: each of them knows all. */
const nodesFrom = async (bus: Bus, scopes: readonly string[]): Promise<readonly Row[] | undefined> => {
  for (const scope of scopes) {
    const found = await query<{ nodes: readonly Row[] }>(bus, 'graph', scope, {}).catch(() => undefined)
    if (found) return found.nodes
  }
  return undefined
}

export const deadVerb = (program: Command): void => {
  const dead = program.command('dead').description('work that agents gave up on')
  withSession(dead.command('ls'))
    .description('list it, oldest first')
    .addHelpText('after', '\nExample:\n  millrace dead ls')
    .action((options: Common) =>
      inSession(options, async ({ bus, json }) => {
        printRows(await bus.dead(), ['eventId', 'where', 'agent', 'attempts', 'reason'], json)
      }),
    )
  withSession(dead.command('show <event>'))
    .description('show one piece of it')
    .addHelpText('after', '\nExample:\n  millrace dead show 0199c0de-0')
    .action((event: string, options: Common) =>
      inSession(options, async ({ bus, json }) => {
        const found = (await bus.dead()).find(({ eventId }) => eventId === event)
        if (found) return printOne(found, json)
        process.stderr.write(`No agent gave up on ${event}. See: millrace dead ls\n`)
        process.exitCode = exitCode.missing
      }),
    )
}

export const projectionsVerb = (program: Command): void => {
  const projections = program.command('projections').description('what can be read, and how far it is')
  withSession(projections.command('ls'))
    .description('list projections: position, lag, what was rejected')
    .addHelpText('after', '\nExample:\n  millrace projections ls')
    .action((options: Common) =>
      inSession(options, async ({ bus, json }) => {
        const rows: Row[] = []
        for (const pipeline of (await knownPipelines(bus)).keys()) {
          const found = await query<Row>(bus, 'status', pipeline, {}).catch(() => undefined)
          if (found) rows.push({ pipeline, ...found })
        }
        printRows(rows, ['pipeline', 'state', 'position', 'lag', 'rejected', 'dropped'], json)
      }),
    )
  withSession(projections.command('rebuild'))
    .description('read the whole log afresh beside the present database, and put it in its place')
    .option('--pipeline <name>', 'whose; needed where several pipelines keep metadata')
    .addHelpText('after', '\nExample:\n  millrace projections rebuild')
    .action((options: Common & { pipeline?: string }) =>
      inSession(options, async ({ bus, json }) => {
        const scope = await metadataPipeline(bus, options.pipeline)
        const subject = queryOf('rebuild', scope, bus.principal)
        const rebuilt = (await bus.request(subject, {}, { timeout: 600_000 })) as { readonly position: string }
        if (json) return print(JSON.stringify({ pipeline: scope, ...rebuilt }))
        print(
          `Rebuilt the projection of ${scope} from ${sequenceOf(rebuilt.position)} events, up to ${rebuilt.position}`,
        )
      }),
    )
}
