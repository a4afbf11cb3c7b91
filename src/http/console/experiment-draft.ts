import type { ExperimentDetail } from './api-experiments.ts'
import type { Problem } from './ask.ts'

/** An experiment as its form has it: text, until it is sent. */
export type Draft = {
  readonly project: string
  readonly name: string
  readonly description: string
  readonly git: string
  readonly branch: string
  readonly nodeType: string
  readonly capabilities: readonly string[]
  readonly count: string
  readonly sites: readonly string[]
  readonly hours: string
  readonly link: string
}

export const emptyDraft: Draft = {
  ...{ project: '', name: '', description: '', git: '', branch: '', nodeType: '', capabilities: [] },
  ...{ count: '1', sites: [], hours: '1', link: '' },
}

/** What a clone begins with, or what is to be changed. A link with a secret is to be given anew: nobody is told it. */
export const draftOf = ({ project, name, description, source, resource, cloudLink }: ExperimentDetail): Draft => ({
  ...{ project, name, description, git: source.link, branch: source.ref ?? '' },
  ...{ nodeType: resource.nodeType, capabilities: resource.capabilities, sites: resource.sites },
  ...{ count: String(resource.count), hours: String(resource.hours) },
  link: cloudLink?.kind === 'directory' ? `directory:${cloudLink.path}` : '',
})

/** What is posted of it; a number that is none is sent as it is, and told by the server. */
export const describedBy = ({ name, description, git, branch, ...said }: Draft) => ({
  ...{ name, description },
  source: { link: git.trim(), ...(branch.trim() !== '' && { ref: branch.trim() }) },
  resource: {
    ...{ nodeType: said.nodeType, capabilities: said.capabilities, sites: said.sites },
    ...{ count: numberIn(said.count), hours: numberIn(said.hours) },
  },
})

const numberIn = (text: string): number | string =>
  /^\s*\d+([.,]\d+)?\s*$/.test(text) ? Number(text.replace(',', '.')) : text

/** What is wrong with each field, by the name it has in the form; what belongs to none is under an empty name. */
export const wrongIn = (error: Error | null, { nodeType }: Draft): Readonly<Record<string, string>> => {
  const found: Record<string, string> = {}
  for (const { field, message } of (error as Problem | null)?.errors ?? []) {
    const name = fieldOf(field)
    found[name] ??= name === '' ? `${field} ${message}` : message
  }
  if (found.nodeType !== undefined && nodeType === '') found.nodeType = 'choose one of those that there are'
  return found
}

const fields: Readonly<Record<string, string>> = {
  ...{ project: 'project', name: 'name', description: 'description', link: 'link' },
  ...{ 'source.link': 'git', 'source.ref': 'branch' },
  ...{ 'resource.nodeType': 'nodeType', 'resource.capabilities': 'capabilities', 'resource.count': 'count' },
  ...{ 'resource.sites': 'sites', 'resource.hours': 'hours' },
}
const fieldOf = (path: string): string => fields[path.replace(/[.[]\d+\]?$/, '')] ?? ''
