import { hostOfGitLink, protocolOfGitLink } from '#contracts/git-link'
import type { Policy } from '#contracts/portal'
import type { Objection } from './place-nodes.ts'

/** What speaks against fetching code from there; undefined where nothing does. */
export const allowedLink = ({ gitHosts, gitFolders }: Policy, link: string): Objection | undefined => {
  if (protocolOfGitLink(link) === 'file') {
    const path = link.slice('file://'.length)
    return gitFolders.some((folder) => path.startsWith(folder.endsWith('/') ? folder : `${folder}/`))
      ? undefined
      : {
          refusal: 'folder-not-allowed',
          detail: `Code can't come from ${path}: the portal's file allows no such folder`,
        }
  }
  const host = hostOfGitLink(link)
  return gitHosts.includes('*') || gitHosts.includes(host)
    ? undefined
    : {
        refusal: 'host-not-allowed',
        detail: `Code can't come from ${host}. Allowed are: ${gitHosts.join(', ') || 'none'}. Others have to be in gitHosts of the portal's file`,
      }
}
