import { z } from 'zod'
import { experimentId } from './experiment-parts.ts'
import { count, digest, name } from './names.ts'

/** One file of what a run has left. */
export const resultFile = z.object({ path: z.string(), size: count, sha256: digest })

/** What is asked of a portal to learn which files there are, some at once. */
export const resultListAsked = z.object({
  experiment: experimentId,
  site: name.optional(),
  node: name.optional(),
  after: z
    .string()
    .max(4096)
    .optional()
    .describe('What an earlier answer gave as next of one end node, which is named'),
})

/** What has been brought home of each end node, some of its files. */
export const resultList = z.object({
  sets: z.array(
    z.object({
      site: name,
      node: name,
      run: z.int().positive(),
      partial: z.boolean(),
      count: count.describe('How many files there are in all'),
      files: z.array(resultFile),
      refused: z.array(z.object({ path: z.string(), reason: z.string() })).describe('What was left behind, and why'),
      problem: z.string().optional().describe('Why nothing of it can be told'),
      next: z.string().nullable().describe('Behind which path there are more; null where these are the last'),
    }),
  ),
})
export type ResultList = z.output<typeof resultList>

/** A file that somebody wants. */
export const resultAsked = z.object({
  experiment: experimentId,
  site: name,
  node: name,
  path: z.string().min(1).max(4096),
})

/** Where its bytes can be had. */
export const resultProvided = z.object({ path: z.string(), digest, size: count, host: name })
export type ResultProvided = z.output<typeof resultProvided>
