import type { Command } from 'commander'
import { print, printOne, printRows } from './print.ts'
import { inSession, type SessionOptions, withSession } from './session.ts'
import { standing } from './standing.ts'

export const hostsVerb = (program: Command): void => {
  const hosts = program.command('hosts').description('who is there')
  withSession(hosts.command('ls'))
    .description('list hosts that are there, and what they run')
    .addHelpText('after', '\nExample:\n  millrace hosts ls')
    .action((options: SessionOptions) =>
      inSession(options, async ({ client, json }) => {
        const rows = (await client.hosts.list()).map(({ host, machine, seenAt, nodes }) => ({
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
    .option('--all', 'also the nodes of pipelines that no host has run for a week')
    .addHelpText('after', '\nExample:\n  millrace status --pipeline root_pipeline')
    .action((options: SessionOptions & { pipeline?: string; all?: boolean }) =>
      inSession(options, async ({ client, json }) => {
        const { metadata, ...status } = await client.status({ metadata: options.pipeline })
        if (json) return print(JSON.stringify(status))
        const { nodes, idle, pipelines, hosts, ...rest } = status
        const { dead, ...log } = rest
        printOne({ ...log, pipelines: pipelines.join(' '), hosts: hosts.join(' '), dead }, false)
        if (nodes) {
          const hidden = options.all ? [] : (idle ?? [])
          const shown = nodes.filter((node) => !hidden.some(({ pipeline }) => pipeline === node.pipeline))
          printRows(standing(shown), ['part', 'kind', 'state', 'reason', 'run'], false)
          for (const { pipeline, since } of hidden)
            print(`No host has run ${pipeline} since ${since}: --all shows its nodes`)
          return
        }
        const whose = metadata.length > 0 ? ` of ${metadata.join(', ')} answers` : ' is there'
        print(`How the nodes stand is not known: no metadata store${whose}`)
      }),
    )
}
