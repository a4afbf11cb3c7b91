import type { Argument, Command, Option } from 'commander'
import { defaultState } from '#bus/connection-of'
import { type Names, namesFor } from './complete-names.ts'

/** Something that may stand where a command line goes on. */
export type Candidate = { readonly name: string; readonly about?: string | undefined }

/** What a command line says so far, up to the word that is being written. */
type Line = {
  readonly command: Command
  /** Words that are neither verbs nor options. */
  readonly given: readonly string[]
  /** The option whose value comes next. */
  readonly option: Option | undefined
  readonly values: Readonly<Record<string, string>>
}

/** What can be written where the last of some words is, which may be empty. */
export const candidatesFor = async (program: Command, words: readonly string[]): Promise<readonly Candidate[]> => {
  const current = words.at(-1) ?? ''
  const line = lineOf(program, words.slice(0, -1))
  const found = await candidatesAt(line, current)
  return found.filter(({ name }) => name.startsWith(current))
}

const candidatesAt = async (line: Line, current: string): Promise<readonly Candidate[]> => {
  const { command, given, option, values } = line
  const named = (kind: Names | undefined) =>
    kind === undefined ? [] : namesFor(kind, current, { state: defaultState, ...values })
  if (option) return option.argChoices?.map((name) => ({ name })) ?? named(kindOf(option))
  if (current.startsWith('-')) return optionsOf(command)
  const verbs = given.length > 0 ? [] : command.createHelp().visibleCommands(command).map(verbOf)
  if (verbs.length > 0) return verbs
  const argument =
    command.registeredArguments[given.length] ?? command.registeredArguments.findLast((one) => one.variadic)
  return argument?.argChoices?.map((name) => ({ name })) ?? named(argument && kindOfArgument(argument))
}

const lineOf = (program: Command, words: readonly string[]): Line => {
  let command = program
  let option: Option | undefined
  const given: string[] = []
  const values: Record<string, string> = {}
  for (const word of words) {
    if (option && !word.startsWith('-')) {
      values[option.attributeName()] = word
      if (!option.variadic) option = undefined
      continue
    }
    if (word.startsWith('-')) {
      const [name, value] = word.split('=', 2)
      const found = command.options.find(({ long, short }) => long === name || short === name)
      option = found && value === undefined && (found.required || found.optional) ? found : undefined
      if (found && value !== undefined) values[found.attributeName()] = value
      continue
    }
    const verb = given.length === 0 ? command.commands.find((one) => one.name() === word) : undefined
    if (verb) command = verb
    else given.push(word)
  }
  return { command, given, option, values }
}

const verbOf = (command: Command): Candidate => ({ name: command.name(), about: firstOf(command.description()) })

const optionsOf = (command: Command): Candidate[] => [
  ...command.options.flatMap(({ long, hidden, description }) =>
    long && !hidden ? [{ name: long, about: firstOf(description) }] : [],
  ),
  { name: '--help', about: 'display help' },
]

/** As much of a description as fits beside a word. */
const firstOf = (description: string): string => description.split(/[;:(]/)[0]?.trim() ?? ''

const kinds: ReadonlySet<string> = new Set<Names>(['pipeline', 'run', 'node', 'store', 'request', 'event', 'site'])

const kindNamed = (name: string): Names | undefined => (kinds.has(name) ? (name as Names) : undefined)

/** What is called otherwise where experiments are asked about. */
const ofExperiments: Readonly<Record<string, Names>> = { id: 'experiment', 'site/node': 'end-node' }

/** What an option's value names: `--pipeline <name>`, `--from <node...>`. */
const kindOf = (option: Option): Names | undefined =>
  ofExperiments[/<([\w/]+)/.exec(option.flags)?.[1] ?? ''] ??
  kindNamed(option.attributeName()) ??
  kindNamed(/<(\w+)/.exec(option.flags)?.[1] ?? '')

const kindOfArgument = (argument: Argument): Names | undefined =>
  ofExperiments[argument.name()] ?? kindNamed(argument.name().split('|')[0] ?? '')
