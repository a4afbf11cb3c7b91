import { z } from 'zod'
import { problemsOf } from '#contracts/all'
import { exact } from '#contracts/fields'
import { name, part } from '#contracts/names'

const path = z.string().min(1)
const description = z.string().optional()
const aFunction = z.custom<() => unknown>((value) => typeof value === 'function', 'expected a function')

const watching = {
  path,
  watch: z.boolean(),
  description,
  existing: z.enum(['offer', 'ignore']).optional(),
  trigger: aFunction.optional(),
}

const definition = z.discriminatedUnion('kind', [
  exact({ kind: z.literal('metadata-store'), path, description, trigger: aFunction.optional() }),
  exact({
    kind: z.enum(['filesystem-store', 'model-registry', 'dataset-registry']),
    ...watching,
    settle: z.int().min(0).max(3_600_000).optional(),
    hidden: z.boolean().optional(),
  }),
  exact({
    kind: z.literal('resource'),
    ...watching,
    resource: aFunction,
    every: z.int().min(10).max(86_400_000).optional(),
  }),
  exact({ kind: z.literal('store-client'), of: part, path, description }),
  exact({ kind: z.literal('metadata-client'), of: part, description }),
])

/** A span of time, in milliseconds. */
const span = z
  .int()
  .positive()
  .max(366 * 86_400_000)
const words = z.array(z.string().regex(/^[^\0]*$/, 'a word without a NUL')).min(1, 'is empty: name a program')

const exec = z.union(
  [
    words,
    exact({
      command: words,
      cwd: path.optional(),
      env: z.record(z.string().regex(/^[^=\0]+$/, 'use a name without = and NUL'), z.string()).optional(),
    }),
  ],
  {
    error: ({ input, ...issue }) => {
      const [asWords = [], asCommand = []] = issue.code === 'invalid_union' ? issue.errors : []
      if (typeof input !== 'object' || input === null)
        return "expected a program and its arguments, each for itself: exec: ['python3', 'train.py']"
      return problemsOf(Array.isArray(input) ? asWords : asCommand)
    },
  },
)

const steps = exact({
  before: aFunction.optional(),
  execute: aFunction.optional(),
  onSuccess: aFunction.optional(),
  onFailure: aFunction.optional(),
  onError: aFunction.optional(),
  after: aFunction.optional(),
})

const action = exact({
  kind: z.literal('action'),
  after: z.array(z.string()).optional(),
  next: z.array(part).optional(),
  description,
  join: z.enum(['all', 'any']).optional(),
  retry: z
    .union([
      z.int().min(0).max(1000),
      exact({
        times: z.int().min(0).max(1000),
        delay: span.optional(),
        factor: z.number().min(1).max(100).optional(),
        most: span.optional(),
      }),
    ])
    .optional(),
  timeout: span.optional(),
  concurrency: z.int().positive().max(1000).optional(),
  exec: exec.optional(),
  steps,
}).refine(({ exec, steps: { execute } }) => (exec === undefined) !== (execute === undefined), {
  path: ['execute'],
  message: 'an action is a function or exec, a program: one of them',
})

/** A pipeline as a config exports it, each field right in itself. */
export const pipelineShape = exact({
  name,
  stores: z.record(name, definition),
  actions: z.record(name, action),
  concurrency: z.int().positive().max(1000).optional(),
  deadline: span.optional(),
})
