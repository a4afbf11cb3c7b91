import type { Command } from './api-experiments.ts'
import { shellWordOf, verbOf } from './experiment-words.ts'
import { shellOf } from './shell.ts'

/** Where something is asked of an experiment. */
export const orderPath = (experiment: string, verb: string): string => `/api/experiments/${experiment}/${verb}`

/** The command line that asks the same. */
export const shellFor = (experiment: string, { type, data }: Command): string => {
  const { sites, nodes, part, step, reason, acceptPartial } = data as {
    readonly [key: string]: unknown
    readonly sites?: readonly string[]
    readonly nodes?: readonly string[]
    readonly part?: string
    readonly step?: string
    readonly reason?: string
  }
  const each = (name: string, values: readonly string[] = []) => values.map((one) => ` --${name} ${one}`).join('')
  const words = shellOf(['experiment', shellWordOf(verbOf(type)), experiment], { part, step, reason })
  return `${words}${each('site', sites)}${each('node', nodes)}${acceptPartial === true ? ' --accept-partial' : ''}`
}
