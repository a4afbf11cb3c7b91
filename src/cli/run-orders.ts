import type { Command } from 'commander'
import { exitCode } from './exit.ts'
import { print, printOne } from './print.ts'
import { inSession, type SessionOptions } from './session.ts'
import { type Picked, printAnswer, reason, runOf, withRun } from './words.ts'

type Options = SessionOptions & Picked & { readonly reason?: string }

/** Verbs that tell a run under way what to do, and the one that waits for its end. */
export const runOrders = (runs: Command): void => {
  withRun(runs.command('cancel'))
    .description('end a run: what is executed is stopped, and nothing else begins')
    .addOption(reason())
    .addHelpText('after', '\nExample:\n  millrace runs cancel 17 --reason "wrong data"')
    .action((word: string, options: Options) =>
      inSession(options, async ({ client, json }) => {
        printAnswer(await client.runs.cancel(runOf(word, options), { reason: options.reason }), json)
      }),
    )

  withRun(runs.command('pause'))
    .description('let no further node begin; what is being executed goes on to its end')
    .addOption(reason())
    .addHelpText('after', '\nExample:\n  millrace runs pause 17 --reason "the GPU is needed"')
    .action((word: string, options: Options) =>
      inSession(options, async ({ client, json }) => {
        printAnswer(await client.runs.pause(runOf(word, options), { reason: options.reason }), json)
      }),
    )

  withRun(runs.command('resume'))
    .description('let what was held back begin')
    .addHelpText('after', '\nExample:\n  millrace runs resume 17')
    .action((word: string, options: Options) =>
      inSession(options, async ({ client, json }) => {
        printAnswer(await client.runs.resume(runOf(word, options)), json)
      }),
    )

  withRun(runs.command('wait'))
    .description(`wait until a run has ended; exit code ${exitCode.unsuccessful} where it did not succeed`)
    .addHelpText('after', '\nExample:\n  millrace runs wait 17 && deploy.sh')
    .action((word: string, options: Options) =>
      inSession(options, async ({ client, json, signal }) => {
        const ended = await client.runs.wait(runOf(word, options), { signal })
        if (ended.state !== 'succeeded') process.exitCode = exitCode.unsuccessful
        if (json) return print(JSON.stringify(ended))
        const { run, state, reason, failed, startedAt, endedAt } = ended
        const why = { ...(reason && { reason }), ...(failed && { failed: failed.join(' ') }) }
        printOne({ run, state, ...why, startedAt, endedAt }, false)
      }),
    )
}
