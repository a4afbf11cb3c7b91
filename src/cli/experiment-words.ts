import { type Command, InvalidArgumentError } from 'commander'
import type { z } from 'zod'
import { experimentId, step } from '#contracts/experiment-parts'
import { anyGitLink, gitRef } from '#contracts/git-link'
import { problemsOf } from '#contracts/problems'
import { withSession } from './session.ts'

/** An id, refused before anybody is asked. */
const idIn = (text: string): string => {
  if (!experimentId.safeParse(text).success)
    throw new InvalidArgumentError('Expected the id of an experiment, as rover-7k2m9x.')
  return text
}

export const withExperiment = (command: Command): Command =>
  withSession(command.argument('<id>', 'its id, as rover-7k2m9x', idIn))

/** What a contract would refuse, refused at the option that it was given with. */
const judgedBy =
  (shape: z.ZodType<string>) =>
  (text: string): string => {
    const { data, error } = shape.safeParse(text)
    if (error)
      throw new InvalidArgumentError(
        problemsOf(error.issues).replace(/^[a-z](?=[a-z]* )/, (first) => first.toUpperCase()),
      )
    return data
  }

/** A link to a repository; whether its host may be asked is for the portal to say. */
export const gitLinkIn = judgedBy(anyGitLink)

/** A branch or a tag. */
export const gitRefIn = judgedBy(gitRef)

/** A step by its name. */
export const stepIn = (text: string) => {
  const found = step.safeParse(text)
  if (!found.success) throw new InvalidArgumentError(`Expected one of ${step.options.join(', ')}.`)
  return found.data
}

/** The verb of the command line by which something is asked for, where it is called otherwise. */
export const verbOf = (what: string): string => verbs[what] ?? what

const verbs: Readonly<Record<string, string>> = {
  'move-to-testbed': 'setup',
  'mark-ready': 'ready',
  'cancel-run': 'cancel',
}

/** A part, or a site as a whole. */
export const partIn = (text: string): string => {
  if (!/^[\w-]+(\/[\w-]+)?$/.test(text)) throw new InvalidArgumentError('Expected <site>/<node>, a site, or portal.')
  return text.includes('/') ? text : `${text}/self`
}

/** An end node. */
export const nodeIn = (text: string): string => {
  if (!/^[\w-]+\/[\w-]+$/.test(text)) throw new InvalidArgumentError('Expected <site>/<node>, as north/one.')
  return text
}

/** Since when nothing was heard of whoever takes a step; the day is said where it is not the present one. */
export const notHeardSince = (moment: string, now = Date.now()): string => {
  const [day = '', time = ''] = moment.split('T')
  const isToday = new Date(now).toISOString().startsWith(day)
  return `not heard since ${isToday ? '' : `${day} `}${time.slice(0, 5)} UTC`
}
