import { z } from 'zod'
import type { Bus } from '#bus/bus'
import { Fault, faults } from '#bus/fault'
import type { CloudLink } from '#contracts/cloud-link'
import { portalPlace, projectOf } from '#contracts/experiment-parts'
import { called } from '#contracts/names'
import { mayNotSpeak, type Policy } from '#contracts/portal'
import { servicesOf } from '#contracts/subjects'
import { linkOf, withSecret } from '../uploads/link-of.ts'
import type { Vault } from '../uploads/secrets.ts'

/** What is kept of a secret: for which experiment's results it is, and for which link. No other may use it. */
const kept = z.object({ experiment: z.string(), link: z.string(), secret: z.string() })

const asked = z.object({ experiment: z.string().min(1).max(200), text: z.string().min(1).max(8_192) })

/** A link without its secret, as a text by which it is told apart. */
const openly = ({ secret: _, ...link }: CloudLink & { readonly secret?: unknown }): string =>
  JSON.stringify(Object.entries(link).toSorted(([a], [b]) => (a < b ? -1 : 1)))

/**
 * Takes in cloud links as people write them: what is secret of one goes into the vault, and the link that holds its key is the answer.
 * A bucket without keys is let pass where the portal lends its own.
 */
export const serveCloudLinks = (
  bus: Pick<Bus, 'serve'>,
  vault: Vault,
  policy: () => Policy,
  signal: AbortSignal,
  { ownKeys = false }: { readonly ownKeys?: boolean } = {},
): Promise<void> =>
  bus.serve(
    servicesOf(portalPlace, 'cloud-links', 'keep'),
    async ({ body, principal, onBehalfOf: behalf }) => {
      const unheard = mayNotSpeak(policy(), { principal, onBehalfOf: behalf })
      if (unheard !== undefined) throw new Fault('bus.denied', unheard)
      const onBehalfOf = behalf ?? principal
      const { experiment, text } = asked.parse(body)
      const project = projectOf(experiment)
      const { projects } = policy()
      if (!called(projects, project)) throw faults.nothingThere(`project ${project}${yours(projects, onBehalfOf)}`)
      if (!called(projects, project)?.members.includes(onBehalfOf))
        throw new Fault(
          'vault.denied',
          `${onBehalfOf} is no member of the project ${project}: only those say where its results go`,
        )
      const { link, secret } = linkOf(text)
      if (link.kind === 's3' && secret === undefined && !ownKeys)
        throw new Fault(
          'link.no-keys',
          `A link to a bucket says with which keys: s3://ACCESS:SECRET@${link.bucket}/… This portal lends none of its own`,
        )
      if (secret === undefined) return withSecret(link, undefined)
      const value = { experiment, link: openly(link as CloudLink), secret }
      return withSecret(link, await vault.put(JSON.stringify(value)))
    },
    signal,
  )

/** Which projects somebody may make experiments in, to say beside one that there is not. */
const yours = (projects: Policy['projects'], who: string): string => {
  const own = Object.entries(projects).flatMap(([name, { members }]) => (members.includes(who) ? [name] : []))
  return own.length > 0 ? `. Yours are: ${own.join(', ')}` : ''
}

/** The secret of a link, if it has one. A fault where it was given for another link, or another experiment. */
export const secretOf = async (vault: Vault, experiment: string, link: CloudLink): Promise<string | undefined> => {
  const key = 'secret' in link ? link.secret : undefined
  if (key === undefined) return undefined
  const value = kept.parse(JSON.parse(await vault.get(key)))
  if (value.experiment === experiment && value.link === openly(link)) return value.secret
  throw new Fault(
    'vault.other',
    'The secret of this cloud link was given for another one. Set the cloud link once more',
  )
}
