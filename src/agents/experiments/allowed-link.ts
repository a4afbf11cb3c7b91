import { hostOfGitLink, protocolOfGitLink } from '#contracts/git-link'
import type { Policy } from '#contracts/portal'
import { isPrivate } from '../uploads/private-address.ts'
import type { Objection } from './place-nodes.ts'

/** What speaks against fetching code from there; undefined where nothing does. */
export const allowedLink = ({ gitHosts, gitFolders }: Policy, link: string): Objection | undefined => {
  if (protocolOfGitLink(link) === 'file') {
    const path = link.slice('file://'.length)
    return gitFolders.some((folder) => path.startsWith(folder.endsWith('/') ? folder : `${folder}/`))
      ? undefined
      : {
          refusal: 'folder-not-allowed',
          detail: `Code can't come from ${path}. Allowed are repositories below: ${gitFolders.join(', ') || 'none'}. Others have to be below one of gitFolders of the portal's file`,
        }
  }
  const host = hostOfGitLink(link)
  if (gitHosts.includes(host)) return undefined
  // What a name stands for is seen when code is fetched.
  const isHere = isPrivate(host) || host === 'localhost'
  if (gitHosts.includes('*') && !isHere) return undefined
  const allowed = gitHosts.map((one) => (one === '*' ? '* (all that are public)' : one))
  return {
    refusal: 'host-not-allowed',
    detail: `Code can't come from ${host}. Allowed are: ${allowed.join(', ') || 'none'}. Others have to be in gitHosts of the portal's file`,
  }
}
