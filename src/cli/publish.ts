import type { Command } from 'commander'
import { Fault } from '#bus/fault'
import { factFrom } from '#bus/post'
import { commands, contractOf, events } from '#contracts/all'
import { nearest } from '#contracts/nearest'
import { exitCodeOfRefusal } from './exit.ts'
import type { Common } from './options.ts'
import { printOne } from './print.ts'
import { inSession, withSession } from './session.ts'

type Options = Common & { readonly pipeline?: string; readonly key?: string }

const dataFrom = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    throw new Fault('contract.json', `The data is not JSON: ${text}. Expected for example '{"key":"loss","value":0.5}'`)
  }
}

const facts = Object.keys(events).filter((type) => contractOf(type)?.kind === 'fact')
const asked = Object.keys(commands)

/** Refuses a type that nothing has, before anybody is connected to. */
const known = (type: string, what: string, types: readonly string[]): void => {
  if (!types.includes(type))
    throw new Fault('contract.unknown', `No ${what} is called '${type}'${nearest(type, types)}`)
}

export const publishVerb = (program: Command): void => {
  withSession(program.command('publish <type> <data>'))
    .description('publish a fact: a metric, a param, a tag')
    .option('--pipeline <name>', 'the pipeline it is about; needed where several pipelines keep metadata')
    .addHelpText(
      'after',
      `\nFacts:\n  ${facts.join('\n  ')}\n\nExample:\n  millrace publish tracking.metric-logged '{"key":"loss","value":0.5}'`,
    )
    .action((type: string, text: string, options: Options) => {
      known(type, 'fact', facts)
      const data = dataFrom(text) as object
      factFrom(type, data)
      return inSession(options, async ({ client, json }) => {
        const scope = await client.pipelines.named(options.pipeline)
        const position = await client.publish(scope, type, data)
        printOne({ pipeline: scope, position }, json)
      })
    })
}

export const askVerb = (program: Command): void => {
  withSession(program.command('ask <type> [data]'))
    .description('send a command to whoever owns the aggregate, and print its answer')
    .option('--pipeline <name>', 'the pipeline; needed where several pipelines keep metadata')
    .option('--key <key>', 'the aggregate: a run number, or self for the pipeline', 'self')
    .addHelpText(
      'after',
      `\nCommands:\n  ${asked.join('\n  ')}\n\nExample:\n  millrace ask pipeline.start '{"message":"by hand"}' --pipeline root_pipeline`,
    )
    .action((type: string, text: string | undefined, options: Options & { key: string }) => {
      known(type, 'command', asked)
      const data = dataFrom(text ?? '{}') as object
      return inSession(options, async ({ client, json }) => {
        const scope = await client.pipelines.named(options.pipeline)
        const answer = await client.ask(scope, options.key, type, data)
        printOne(answer, json)
        if (!answer.accepted) process.exitCode = exitCodeOfRefusal(answer.refusal)
      })
    })
}
