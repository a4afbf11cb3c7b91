import { hostOfGitLink } from '#contracts/git-link'
import type { Objection } from './place-nodes.ts'
import type { Policy } from './policy.ts'

/** What speaks against fetching code from there; undefined where nothing does. */
export const allowedLink = ({ gitHosts }: Policy, link: string): Objection | undefined => {
  const host = hostOfGitLink(link)
  return gitHosts.includes('*') || gitHosts.includes(host)
    ? undefined
    : { refusal: 'host-not-allowed', detail: `Code can't come from ${host}. Allowed are: ${gitHosts.join(', ')}` }
}
