import type { z } from 'zod'
import { Fault } from '#bus/fault'
import { mistakesOf } from '#contracts/problems'
import { toYaml } from '../to-yaml.ts'
import { composeGiven } from './compose-shape.ts'

/** The names that an end node is looked after by: what bears them belongs to an experiment, and can be removed with it. */
export const labels = { experiment: 'millrace.experiment', attempt: 'millrace.attempt' } as const

/** What the results lie in, as the Compose file calls it; on the node, the project's name stands before it. */
const resultsVolume = 'results'

export const resultsFolder = '/results'

/** The one service of the Compose file. */
const experimentService = 'experiment'

/**
 * The Compose file that runs an image on an end node, for docker-compose 1.29 and Compose 2: never started again by itself,
 * without rights that it does not need, with nothing to write but its results and `/tmp`. `limits.disk` bounds each single
 * file; what all of them come to is for whoever supervises the run. Throws a fault that lists every mistake.
 */
export const composeFile = (given: z.input<typeof composeGiven>): string => {
  const parsed = composeGiven.safeParse(given)
  if (!parsed.success)
    throw new Fault('site.bad-compose', `The Compose file can't be made: ${mistakesOf(parsed.error.issues).join('; ')}`)
  const { experiment, attempt, site, node, image, limits, grants, grace } = parsed.data
  const labelled = { labels: { [labels.experiment]: experiment, [labels.attempt]: String(attempt) } }
  const service = {
    image,
    ...labelled,
    restart: 'no',
    init: true,
    read_only: true,
    ...(grants.groups.length === 0 ? {} : { group_add: grants.groups.map(String) }),
    // In memory, and counted as the program's own.
    tmpfs: [`/tmp:mode=1777,nosuid,nodev,size=${limits.memory}`],
    volumes: [
      { type: 'volume', source: resultsVolume, target: resultsFolder },
      ...grants.mounts.map(({ source, target }) => ({ type: 'bind', source, target, read_only: true })),
    ],
    ...(grants.devices.length === 0 ? {} : { devices: grants.devices.map((device) => `${device}:${device}:rw`) }),
    environment: {
      ...grants.environment,
      MILLRACE_EXPERIMENT: experiment,
      MILLRACE_ATTEMPT: String(attempt),
      MILLRACE_SITE: site,
      ...(node !== undefined && { MILLRACE_NODE: node }),
    },
    cap_drop: ['ALL'],
    security_opt: ['no-new-privileges:true'],
    mem_limit: limits.memory,
    memswap_limit: limits.memory, // No more of it on the disk.
    cpus: limits.cpus,
    pids_limit: limits.pids,
    ulimits: { fsize: limits.disk, core: 0 },
    stop_grace_period: `${grace}s`,
    logging: { driver: 'json-file', options: { 'max-size': '10m', 'max-file': '3' } },
    ...(grants.network === 'none' ? { network_mode: 'none' } : {}),
  }
  return toYaml({
    services: { [experimentService]: escaped(service) },
    volumes: { [resultsVolume]: labelled },
    ...(grants.network === 'bridge' ? { networks: { default: { driver: 'bridge', ...labelled } } } : {}),
  })
}

/** To Compose, a $ begins the name of a variable of whoever calls it; two are one. */
const escaped = <Value>(value: Value): Value => {
  if (typeof value === 'string') return value.replaceAll('$', '$$$$') as Value
  if (Array.isArray(value)) return value.map(escaped) as Value
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, escaped(inner)])) as Value
}
