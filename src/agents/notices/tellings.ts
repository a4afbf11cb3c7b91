import type { ExperimentEvent } from '#contracts/experiment'
import type { KnownExperiment } from '#contracts/experiment-state'
import { called } from '#contracts/names'
import type { Preferences } from '#contracts/notification'
import type { Policy } from '#contracts/portal'
import type { Address } from '#contracts/subjects'
import { type Occasion, type ToTell, type Whom, whatToTell } from './what-to-tell.ts'

/** What one person is told. */
export type Telling = {
  readonly to: string
  readonly occasion: Occasion
  /** One line. */
  readonly subject: string
  readonly text: string
}

type Told = ExperimentEvent & { readonly address: Address; readonly principal: string }

export type About = {
  /** As it is once the event has happened. */
  readonly experiment: KnownExperiment
  /** How people want to be told; who is not among them is not told. */
  readonly people: Readonly<Record<string, Preferences | undefined>>
  readonly policy: Policy
}

/** Everybody who may be told of an experiment, whatever happens. */
export const concerned = (experiment: KnownExperiment, project: string, policy: Policy): readonly string[] => [
  ...new Set(
    (['owners', 'operators', 'administrators'] as const).flatMap((whom) => peopleOf(whom, experiment, project, policy)),
  ),
]

/**
 * Whom an event is told to, and how: each person once, by what comes first of what they want to hear; and nobody of a mere step that
 * they took themselves.
 */
export const tellings = (event: Told, { experiment, people, policy }: About): readonly Telling[] => {
  const told = new Map<string, Telling>()
  for (const { whom, occasion, what, todo } of whatToTell(event, experiment)) {
    for (const to of peopleOf(whom, experiment, event.address.scope, policy)) {
      if (told.has(to) || !people[to]?.occasions.includes(occasion)) continue
      if (occasion === 'step' && to === event.principal) continue
      told.set(to, { to, occasion, ...wordsFor(event.address, experiment, { what, todo }) })
    }
  }
  return [...told.values()]
}

/** Whoever has left is told nothing more. */
const peopleOf = (whom: Whom, experiment: KnownExperiment, project: string, policy: Policy): readonly string[] => {
  switch (whom) {
    case 'owners': {
      const members = called(policy.projects, project)?.members ?? []
      return [experiment.creator, ...experiment.experimenters].filter((one) => members.includes(one))
    }
    case 'operators':
      return policy.operators
    case 'administrators':
      return policy.administrators
  }
}

const wordsFor = (
  { key, scope }: Address,
  { name }: KnownExperiment,
  { what, todo }: Pick<ToTell, 'what' | 'todo'>,
): Pick<Telling, 'subject' | 'text'> => ({
  subject: oneLine(`${key}: ${what}`, 200),
  text: plain(
    `${[what, todo].filter(Boolean).join('\n\n')}\n\nExperiment ${key}, ${oneLine(name, 200)}\nProject ${scope}\n`,
  ),
})

/** Without line breaks, control characters, and characters that are not seen: no header can be begun in it. */
const oneLine = (text: string, length: number): string => {
  const line = text.replaceAll(/[\s\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').trim()
  return line.length <= length ? line : `${line.slice(0, length - 2).toWellFormed()} …`
}

/** With line breaks, but nothing that a terminal would act on. */
const plain = (text: string): string =>
  text
    .replaceAll(/[^\P{Cc}\n\t]|\p{Cf}/gu, '')
    .slice(0, 20_000)
    .toWellFormed()
