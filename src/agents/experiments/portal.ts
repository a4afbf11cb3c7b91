import { accept, type Decider, refuse } from '#bus/decider'
import type { Policy, PortalCommand, PortalEvent } from '#contracts/portal'

/** Who is who, and which sites there are, as the portal last said; undefined before it has. */
export type Portal = { readonly policy?: Policy | undefined }

/** The portal: its file is recorded when it changes, so that every reader of the log knows who may what. */
export const portalDecider = (own: string): Decider<Portal, PortalCommand, PortalEvent> => ({
  aggregate: 'portal',
  initial: {},
  evolve: (_, { data }) => ({ policy: data.policy }),
  decide: ({ data, principal }, { policy }) => {
    if (principal !== own) return refuse('not-allowed', `${principal} may not define the portal: its own file does`)
    return JSON.stringify(policy) === JSON.stringify(data.policy)
      ? accept()
      : accept({ type: 'portal.defined', data: { policy: data.policy } })
  },
})
