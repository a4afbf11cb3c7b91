import { z } from 'zod'

const word = '[A-Za-z\\d](?:[\\w.-]*[A-Za-z\\d])?'
const version = '(?:===|==|~=|!=|<=|>=|<|>) *[A-Za-z\\d][\\w.*+!-]*'
const pattern = new RegExp(`^${word} *(?:\\[ *${word}(?: *, *${word})* *\\])? *(?:${version}(?: *, *${version})*)?$`)

/** A name as the package index has it: in small letters, with - between words. */
const plainName = (requirement: string): string =>
  (/^[\w.-]+/.exec(requirement)?.[0] ?? '').toLowerCase().replaceAll(/[-_.]+/g, '-')

/**
 * Something that pip installs from its index: a name, extras, versions. What else pip takes for a requirement (an address, a
 * path, an option, a marker) is none here, for it would bring in what nobody named.
 */
const requirement = z
  .string()
  .max(200)
  .regex(pattern, 'expected a name, extras and versions, as numpy, qiskit[all] or numpy>=2,<3')
  .transform((text) => text.replaceAll(' ', ''))

/** What an experiment's code needs; each of it once. */
export const requirements = z
  .array(requirement)
  .max(200, 'expected at most 200 dependencies')
  .superRefine((all, { addIssue }) => {
    const names = all.map(plainName)
    for (const [at, name] of names.entries())
      if (pattern.test(all[at] ?? '') && names.indexOf(name) < at)
        addIssue({ code: 'custom', path: [at], message: `'${name}' is there twice` })
  })
