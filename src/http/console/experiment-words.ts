import type { Experiment, Wait } from './api-experiments.ts'

/** What each button says that asks for something. */
export const orderWords: Readonly<Record<string, string>> = {
  approve: 'Approve',
  initiate: 'Initiate development',
  update: 'Change it',
  'set-cloud-link': 'Set the cloud link',
  'move-to-testbed': 'Move to the testbed',
  'mark-ready': 'Mark ready',
  run: 'Run',
  submit: 'Submit',
  retry: 'Retry',
}

/** The word of the command line for the same. */
const shellWords: Readonly<Record<string, string>> = {
  'move-to-testbed': 'setup',
  'mark-ready': 'ready',
  'cancel-run': 'cancel',
}
export const shellWordOf = (verb: string): string => shellWords[verb] ?? verb

export const verbOf = (type: string): string => type.replace('experiment.', '')

/** A place, as people call it: a site, an end node of a site, or the portal. */
export const placeWords = (part: string): string => part.replace(/\/self$/, '')

const whom: Readonly<Record<Wait['waitsFor'], string>> = {
  administrator: 'an administrator',
  operator: 'an operator',
  user: 'its user',
  machine: 'a machine',
}

/** Whom an experiment waits for, and for what. */
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

/** Mode and status, as people know them. */
export const modeWords = ({ mode, status }: Pick<Experiment, 'mode' | 'status'>): string => `${mode} · ${status}`

/** Where results go, without what is secret of it. */
export const linkWords = (link: Experiment['cloudLink']): string => {
  switch (link?.kind) {
    case undefined:
      return 'not said yet'
    case 's3':
      return `s3://${link.bucket}/${link.prefix}`
    case 'signed-url':
      return `a signed address at ${link.host}`
    case 'webdav':
      return link.url
    case 'directory':
      return `directory:${link.path}`
  }
}
