import type { Command } from 'commander'
import { print } from './print.ts'
import { inSession, type Session, type SessionOptions } from './session.ts'
import { storyOf } from './story.ts'
import { type Picked, withPipeline } from './words.ts'

export const runWatch = (runs: Command): void => {
  withPipeline(runs.command('watch'))
    .description('print what happens in runs, as it happens')
    .addHelpText('after', '\nExample:\n  millrace runs watch')
    .action((options: SessionOptions & Picked) =>
      inSession(
        options,
        async ({ bus, client, json, signal }) => {
          const from = `${bus.logId}.${await bus.head()}`
          const web = json ? undefined : await anyConsole(client, options.pipeline)
          process.stderr.write(`Watching runs${web ? `, which ${web}/runs shows` : ''}; Ctrl-C ends it\n`)
          await client.follow(
            (event) => {
              if (options.pipeline && event.address.scope !== options.pipeline) return
              const line = json ? JSON.stringify(event) : storyOf(event, web)
              if (line) print(line)
            },
            signal,
            from,
          )
        },
        { patient: true },
      ),
    )
}

/** A console that shows runs: that of a pipeline, or the first that answers, for each of them shows all. */
const anyConsole = async ({ pipelines }: Session['client'], pipeline: string | undefined) => {
  const keeping = async () => (await pipelines.list()).flatMap((one) => (one.runs ? [one.pipeline] : []))
  for (const one of pipeline === undefined ? await keeping() : [pipeline]) {
    const found = await pipelines.console(one)
    if (found) return found
  }
  return undefined
}
