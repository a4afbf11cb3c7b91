import { type Command, InvalidArgumentError, Option } from 'commander'
import type { Answer } from '#bus/handle'
import { exitCodeOfRefusal } from './exit.ts'
import { print, printOne } from './print.ts'
import { withSession } from './session.ts'

/** Words that verbs about runs share: which run, which pipeline, from when to when. */
export type Picked = { readonly pipeline?: string }

export const withPipeline = (command: Command): Command =>
  withSession(command).option('--pipeline <name>', 'the pipeline; where several keep metadata, which one is meant')

/** A run as its number, or as every screen and line calls it; refused before anybody is asked. */
const runIn = (text: string): string => {
  if (!/^([\w-]+\/)?\d{1,15}$/.test(text))
    throw new InvalidArgumentError('Expected the number of a run, or <pipeline>/<number>.')
  return text
}

export const withRun = (command: Command): Command =>
  withPipeline(command.argument('<run>', 'its number, or <pipeline>/<number>', runIn))

/** The run that a command line names; `--pipeline` says more than the word does. */
export const runOf = (word: string, { pipeline }: Picked): string =>
  pipeline === undefined ? word : `${pipeline}/${word.slice(word.lastIndexOf('/') + 1)}`

/** A moment, as ISO 8601 has it: what is none is refused before anybody is asked. */
const momentIn = (text: string): string => {
  const time = Date.parse(text)
  if (!/^\d{4}-\d\d-\d\d/.test(text) || Number.isNaN(time))
    throw new InvalidArgumentError('Expected a time such as 2026-01-31T12:00:00Z.')
  return text
}

/** A place in the log to look back to: a position, or a moment. */
const placeIn = (text: string): string => {
  if (/^[\w-]+\.\d+$/.test(text)) return text
  if (/^@?\d+$/.test(text))
    throw new InvalidArgumentError('Expected a whole position, <log>.<number>, as --json shows it; or a time.')
  return momentIn(text)
}

export type Span = { readonly from?: string; readonly to?: string; readonly at?: string }

export const withAt = (command: Command): Command => command.option('--at <position|time>', 'as it was then', placeIn)

export const withSpan = (command: Command, what: string): Command =>
  withAt(
    command
      .option('--from <time>', `only what ${what} then or later, for example 2026-01-31T12:00:00Z`, momentIn)
      .option('--to <time>', `only what ${what} then or earlier`, momentIn),
  )

export const reason = (): Option => new Option('--reason <text>', 'why, for whoever reads it later')

/** Prints what an order came to; one that was refused sets the exit code. */
export const printAnswer = (answer: Answer, json: boolean, more: object = {}): void => {
  printOne({ ...answer, ...(answer.accepted && more) }, json)
  if (answer.accepted && answer.events.length === 0 && !json) print('It was so already: nothing is done anew.')
  if (!answer.accepted) process.exitCode = exitCodeOfRefusal(answer.refusal)
}
