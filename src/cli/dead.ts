import type { Command } from 'commander'
import type { Dead } from '#bus/bus'
import type { Letters } from '#client/dead'
import { exitCode } from './exit.ts'
import { printOne, printRows } from './print.ts'
import { inSession, type Session, type SessionOptions, withSession } from './session.ts'

type Options = SessionOptions & Letters

const columns = ['eventId', 'where', 'agent', 'attempts', 'reason']

const withLetters = (command: Command): Command =>
  withSession(command.argument('[event]', 'one piece of it, by its event'))
    .option('--where <pipeline>', 'all of one pipeline')
    .option('--agent <node>', 'all of one agent')
    .option('--all', 'all there is')
    .option('--dry-run', 'only say what it would be')

export const deadVerb = (program: Command): void => {
  const dead = program.command('dead').description('work that agents gave up on')
  withSession(dead.command('ls'))
    .description('list it, oldest first')
    .addHelpText('after', '\nExample:\n  millrace dead ls')
    .action((options: SessionOptions) =>
      inSession(options, async ({ client, json }) => printRows(await client.dead.list(), columns, json)),
    )
  withSession(dead.command('show <event>'))
    .description('show one piece of it')
    .addHelpText('after', '\nExample:\n  millrace dead show 0199c0de-0')
    .action((event: string, options: SessionOptions) =>
      inSession(options, async ({ client, json }) => {
        const found = await client.dead.get(event)
        if (found) return printOne(found, json)
        process.stderr.write(`No agent gave up on ${event}. See: millrace dead ls\n`)
        process.exitCode = exitCode.missing
      }),
    )

  /** Does something with the letters that a command line chooses, and lists them. */
  const each =
    (act: (client: Session['client'], letters: Letters) => Promise<readonly Dead[]>) =>
    (event: string | undefined, options: Options) =>
      inSession(options, async ({ client, json }) => {
        const { where, agent, all, dryRun } = options
        printRows(await act(client, { event, where, agent, all, dryRun }), columns, json)
      })
  withLetters(dead.command('redeliver'))
    .description('put it back where its agent finds it; a node whose run says that it ended is not executed again')
    .addHelpText('after', '\nExample:\n  millrace dead redeliver --agent retraining --dry-run')
    .action(each((client, letters) => client.dead.redeliver(letters)))
  withLetters(dead.command('drop'))
    .description('forget it')
    .addHelpText('after', '\nExample:\n  millrace dead drop 0199c0de-0')
    .action(each((client, letters) => client.dead.drop(letters)))
}
