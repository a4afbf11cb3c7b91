import { cp, mkdir, rename, rm, rmdir, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { hostOfGitLink, protocolOfGitLink } from '#contracts/git-link'
import { fetchSource } from '../sources/fetch-source.ts'
import type { SshKeys } from '../sources/git.ts'
import type { SourceLimits } from '../sources/source-listing.ts'
import { markAttempt } from './attempt-mark.ts'
import { otherDevice, readConfig, writeConfig } from './config-yaml.ts'
import { checkEntry } from './dockerfile.ts'
import { checkPublic } from './public-host.ts'
import type { TakeStep } from './take-steps.ts'

type Fetching = {
  /** Where the portal keeps experiments. */
  readonly experiments: string
  readonly limits: Pick<SourceLimits, 'bytes' | 'files'>
  /** Whether repositories may lie on this machine's own disk: which ones, the experiment has decided. */
  readonly local: boolean
  readonly ssh?: SshKeys | undefined
  /** Hosts that are allowed by name, in a private network or not; of others only what is public is. */
  readonly hosts: readonly string[]
}

/** How long git may take, in milliseconds. */
const fetchedWithin = 1_200_000

/** Fetches an experiment's code, puts its `config.yaml` in, and lays it down for each of its sites. */
export const fetchStep =
  ({ experiments, limits, local, ssh, hosts }: Fetching): TakeStep =>
  async ({ id, step, plan, experiment, say, run, signal }) => {
    const { link, ref } = plan.source
    const host = hostOfGitLink(link)
    if (protocolOfGitLink(link) !== 'file' && !hosts.includes(host)) await checkPublic(host)
    const draft = join(experiments, '.fetched', id)
    await rm(draft, { recursive: true, force: true })
    try {
      const { commit, files, bytes } = await fetchSource({
        ...{ link, ref, into: draft, ssh, signal },
        limits: { ...limits, milliseconds: fetchedWithin },
        allow: { protocols: ['https', 'ssh', ...(local ? (['file'] as const) : [])] },
        say: (line) => say(line),
        ran: run,
      })
      say(`Commit ${commit}: ${files} files, ${bytes} bytes`)
      const config = await readConfig(draft)
      await checkEntry(draft)
      const other = otherDevice(plan.resource, config)
      if (other !== undefined) say(other, 'warn')
      await writeFile(join(draft, 'config.yaml'), writeConfig(plan.resource, config))
      await markAttempt(draft, { experiment: id, attempt: step.attempt, commit })
      for (const site of Object.keys(experiment.sites)) {
        const folder = join(experiments, site, id)
        await layDown(draft, folder, step.attempt)
        say(`It lies in ${folder}`)
      }
      return { step: 'fetch', commit, files, bytes }
    } finally {
      await rm(draft, { recursive: true, force: true })
    }
  }

/** Puts a copy of a folder in its place as a whole; what lies there already is set aside, never deleted. */
const layDown = async (from: string, to: string, attempt: number): Promise<void> => {
  const draft = `${to}.draft`
  await mkdir(dirname(to), { recursive: true })
  await rm(draft, { recursive: true, force: true })
  await cp(from, draft, { recursive: true, verbatimSymlinks: true })
  await rmdir(to).catch(() => undefined) // Empty, it is as it was made with the experiment.
  if (await isThere(to)) {
    const aside = join(dirname(to), '.before', to.slice(dirname(to).length + 1))
    await mkdir(aside, { recursive: true })
    for (let number = 1; ; number++) {
      const place = join(aside, `${attempt}-${number}`)
      if (await isThere(place)) continue
      await rename(to, place)
      break
    }
  }
  await rename(draft, to)
}

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  )
