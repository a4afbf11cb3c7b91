import type { Command } from 'commander'
import { InvalidArgumentError } from 'commander'
import type { NotedFilters } from '#client/tracking'
import { limit } from './options.ts'
import { printOne, printPage } from './print.ts'
import { inSession, type Session, type SessionOptions } from './session.ts'
import { type Picked, type Span, withPipeline, withSpan } from './words.ts'

type Options = SessionOptions & Picked & { readonly run?: string; readonly step?: number }
type Listing = SessionOptions & Picked & Span & Pick<NotedFilters, 'run' | 'node' | 'key' | 'limit'>

/** A number, also one that JSON has no word for. */
const numberIn = (text: string): number => {
  const value = Number(text)
  if (text.trim() === '' || (Number.isNaN(value) && text !== 'NaN'))
    throw new InvalidArgumentError('Expected a number, or NaN, Infinity or -Infinity.')
  return value
}

const stepIn = (text: string): number => {
  const value = Number(text)
  if (text.trim() === '' || !Number.isSafeInteger(value)) throw new InvalidArgumentError('Expected a whole number.')
  return value
}

/** What JSON can hold: as JSON, or else as the text that it is. */
const valueIn = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

const withLog = (command: Command): Command =>
  withPipeline(command).option('--run <run>', 'the run it is of: <pipeline>/<number>, or the number')

/** A verb that lists what was noted, of one kind. */
const listing = (verb: Command, kind: 'metrics' | 'params' | 'tags', columns: readonly string[]): void => {
  withSpan(withPipeline(verb.command('ls')), 'was logged')
    .description('list them, oldest first')
    .option('--key <key>', 'only of this key')
    .option('--run <run>', 'only of this run')
    .option('--node <node>', 'only what this node logged')
    .option('--limit <n>', 'how many', limit, 100)
    .addHelpText('after', `\nExample:\n  millrace ${kind} ls --run 17`)
    .action(({ pipeline, run, node, key, from, to, at, limit, ...options }: Listing) =>
      inSession(options, async ({ client, json }) => {
        const page = await client[kind].list({ pipeline, run, node, key, from, to, at, limit })
        printPage(page, columns, json)
      }),
    )
}

/** Logs something, and prints the position at which it can be read. */
const logging = (options: Options, log: (client: Session['client']) => Promise<string>): Promise<void> =>
  inSession(options, async ({ client, json }) => printOne({ position: await log(client) }, json))

export const metricsVerb = (program: Command): void => {
  const metrics = program.command('metrics').description('numbers that were measured')
  withLog(metrics.command('log').argument('<key>').argument('<value>', 'a number', numberIn))
    .description('log a number')
    .option('--step <n>', 'at which step it was measured', stepIn)
    .addHelpText('after', '\nExample:\n  millrace metrics log loss 0.25 --run 17 --step 3')
    .action((key: string, value: number, options: Options) => {
      const { pipeline, run, step } = options
      return logging(options, (client) => client.metrics.log(key, value, { pipeline, run, step }))
    })
  listing(metrics, 'metrics', ['at', 'key', 'value', 'step', 'run', 'part', 'attempt'])
}

export const paramsVerb = (program: Command): void => {
  const params = program.command('params').description('settings that were noted')
  withLog(params.command('log').argument('<key>').argument('<value>', 'JSON, or a text', valueIn))
    .description('note a setting')
    .addHelpText('after', '\nExample:\n  millrace params log learning_rate 0.001 --run 17')
    .action((key: string, value: unknown, options: Options) => {
      const { pipeline, run } = options
      return logging(options, (client) => client.params.log(key, value, { pipeline, run }))
    })
  listing(params, 'params', ['at', 'key', 'value', 'run', 'part', 'attempt'])
}

export const tagsVerb = (program: Command): void => {
  const tags = program.command('tags').description('tags of runs')
  withLog(tags.command('log').argument('<key>').argument('<value>'))
    .description('give a run a tag')
    .addHelpText('after', '\nExample:\n  millrace tags log reviewed yes --run 17')
    .action((key: string, value: string, options: Options) => {
      const { pipeline, run } = options
      return logging(options, (client) => client.tags.log(key, value, { pipeline, run }))
    })
  listing(tags, 'tags', ['at', 'key', 'value', 'run', 'part', 'attempt'])
}
