import type { Wait, WaitedFor } from '#contracts/experiment-waits'

/** A place, as people call it: a site, an end node of a site, or the portal. */
const placeWords = (part: string): string => part.replace(/\/self$/, '')

const whom: Readonly<Record<WaitedFor, string>> = {
  administrator: 'an administrator',
  operator: 'an operator',
  user: 'its user',
  machine: 'a machine',
}

/** Whom an experiment waits for, and for what, as people say it. */
export const waitWords = ({ waitsFor, what, part }: Wait): string => {
  const where = part ? ` at ${placeWords(part)}` : ''
  if (waitsFor === 'machine') return `${what}${where} is under way`
  return `waits for ${whom[waitsFor]} to ${doing[what] ?? what}${what === 'retry' ? where : ''}`
}

const doing: Readonly<Record<string, string>> = {
  approve: 'approve it',
  initiate: 'initiate it',
  update: 'change it',
  'set-cloud-link': 'set its cloud link',
  'move-to-testbed': 'move it to the testbed',
  'mark-ready': 'mark it ready',
  run: 'run it',
  terminate: 'mend it: then it is terminated, and initiated anew',
  submit: 'submit it',
  retry: 'retry',
}
