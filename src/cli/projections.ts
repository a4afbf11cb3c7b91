import type { Command } from 'commander'
import { sequenceOf } from '#contracts/names'
import { print, printRows } from './print.ts'
import { inSession, type SessionOptions, withSession } from './session.ts'

export const projectionsVerb = (program: Command): void => {
  const projections = program.command('projections').description('what can be read, and how far it is')
  withSession(projections.command('ls'))
    .description('list projections: position, lag, what was rejected')
    .addHelpText('after', '\nExample:\n  millrace projections ls')
    .action((options: SessionOptions) =>
      inSession(options, async ({ client, json }) => {
        const rows = await client.projections.list()
        printRows(rows, ['pipeline', 'state', 'position', 'lag', 'rejected', 'dropped'], json)
      }),
    )
  withSession(projections.command('rebuild'))
    .description('read the whole log afresh beside the present database, and put it in its place')
    .option('--pipeline <name>', 'whose; needed where several pipelines keep metadata')
    .addHelpText('after', '\nExample:\n  millrace projections rebuild')
    .action((options: SessionOptions & { pipeline?: string }) =>
      inSession(options, async ({ client, json }) => {
        const rebuilt = await client.projections.rebuild(options.pipeline)
        if (json) return print(JSON.stringify(rebuilt))
        const { pipeline, position } = rebuilt
        print(`Rebuilt the projection of ${pipeline} from ${sequenceOf(position)} events, up to ${position}`)
      }),
    )
}
