import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { portalPart } from '#contracts/experiment-parts'
import type { Policy } from '#contracts/portal'
import { type Hosting, runAgents } from '../hosting.ts'
import { mailer } from '../notices/mail.ts'
import { notify } from '../notices/notifier.ts'
import { webhook } from '../notices/webhook.ts'
import { openVault } from '../uploads/secrets.ts'
import { serveCloudLinks } from './cloud-links.ts'
import { keepFolders } from './experiment-folders.ts'
import { goneOf } from './named-before.ts'
import { type PortalConfig, policyOf } from './portal-config.ts'
import { openPortal } from './portal-owners.ts'
import { takeAll, takeLeft } from './portal-steps.ts'
import { serveResults } from './serve-results.ts'

/** Hands on the portal's file whenever it has changed, and is read without a mistake. */
export type Changes = (apply: (config: PortalConfig) => Promise<void>) => void

/**
 * Runs the portal: it owns experiments and end nodes, fetches code, ships it, and takes results home. Resolves when it has stopped.
 * Who is who holds anew as soon as its file has changed; all else in it holds from the next start on.
 */
export const runPortal = (
  hosting: Hosting,
  config: PortalConfig,
  {
    scratch,
    changes = () => undefined,
    secured = false,
  }: {
    readonly scratch: string
    readonly changes?: Changes
    /** Whether the bus lets in only those whom it knows: then the file says which web processes speak for others, else any does. */
    readonly secured?: boolean
  },
): Promise<void> =>
  runAgents(hosting, [portalPart], async (hosted) => {
    const { experiments, directories } = config
    for (const folder of [experiments, directories]) if (folder !== undefined) await mkdir(folder, { recursive: true })
    const folders = await keepFolders({ ...hosting, ...hosted, experiments })
    hosted.run(folders.following)
    const portal = openPortal(hosting, hosted)
    const asPolicy = (file: PortalConfig): Policy => ({ ...policyOf(file), ...(secured && { webs: file.webs ?? [] }) })
    await portal.define(asPolicy(config))
    const vault = await openVault({ folder: join(experiments, '.secrets') })
    const { policy } = portal
    hosted.run(serveResults({ ...hosting, ...hosted, experiments, policy }))
    hosted.run(serveCloudLinks(hosting.bus, vault, policy, hosted.signal, config.uploads))
    takeAll(hosting, hosted, config, { scratch, vault })
    await takeLeft(hosting, hosted, goneOf(portal.before(), policy()))
    hosted.run(notify({ ...hosting, ...hosted, policy, ways: waysOf(config) }))
    changes(async (changed) => {
      const later = changedBeside(config, changed)
      if (later.length > 0)
        hosting.log(
          'warn',
          `Its file has changed beside who is who: ${later.join(', ')}. Start the portal anew, so that this holds`,
        )
      await portal.define({ ...asPolicy(config), ...who(asPolicy(changed)) })
      hosting.log('info', 'Who is who holds as its file says now')
    })
  })

/** What of a file, or of a policy, says who is who. */
const who = ({
  administrators,
  operators,
  projects,
  webs,
}: Pick<Policy, 'administrators' | 'operators' | 'projects' | 'webs'>) => ({
  administrators,
  operators,
  projects,
  webs,
})

/** What of a file has changed beside who is who, by its keys. */
const changedBeside = (before: PortalConfig, now: PortalConfig): readonly string[] => {
  const [rest, others] = [before, now].map((file) => new Map(Object.entries({ ...file, ...who(before) })))
  const keys = new Set([...(rest?.keys() ?? []), ...(others?.keys() ?? [])])
  return [...keys].filter((key) => !isDeepStrictEqual(rest?.get(key), others?.get(key)))
}

/** How people can be told of things. */
const waysOf = ({ mail, webhooks }: PortalConfig): Parameters<typeof notify>[0]['ways'] => ({
  ...(mail && { mail: mailer(mail) }),
  webhook: webhook(webhooks),
})
