import { z } from 'zod'
import { problemsOf } from '#contracts/all'
import { exact } from '#contracts/fields'
import { name, part } from '#contracts/names'

const path = z.string().min(1)
const description = z.string().optional()
const aFunction = z.custom<() => unknown>((value) => typeof value === 'function', 'expected a function')

/** A whole number of milliseconds: a text such as 5s, which other tools take, is told the unit. */
const milliseconds = () =>
  z.int({
    error: ({ input }) => {
      const received = typeof input === 'string' || typeof input === 'number' ? `'${input}'` : typeof input
      return `expected milliseconds, a whole number as 5000; received ${received}`
    },
  })

const watching = {
  path,
  watch: z.boolean(),
  description,
  existing: z.enum(['offer', 'ignore']).optional(),
  trigger: aFunction.optional(),
}

/** A store or a client as the functions give it that make them: these say its kind. */
const defined = <Shape extends z.ZodRawShape>(shape: Shape) => exact(shape, ['kind'])

const definition = z.discriminatedUnion('kind', [
  defined({ kind: z.literal('metadata-store'), path, description, trigger: aFunction.optional() }),
  defined({
    kind: z.enum(['filesystem-store', 'model-registry', 'dataset-registry']),
    ...watching,
    settle: milliseconds().min(0).max(3_600_000).optional(),
    hidden: z.boolean().optional(),
  }),
  defined({
    kind: z.literal('resource'),
    ...watching,
    resource: aFunction,
    every: milliseconds().min(10).max(86_400_000).optional(),
  }),
  defined({ kind: z.literal('store-client'), of: part, path, description }),
  defined({ kind: z.literal('metadata-client'), of: part, description }),
])

/** A span of time. */
const span = milliseconds()
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

/** What is wrong with a pipeline, where its author wrote it: an action's steps stand in the action, or are its function. */
export const asWritten = (issues: readonly z.core.$ZodIssue[]): z.core.$ZodIssue[] =>
  issues.map((issue) => {
    const [actions, action, steps, ...inside] = issue.path
    if (actions !== 'actions' || action === undefined || steps !== 'steps') return issue
    const isWhole = inside.length === 0 && issue.code === 'invalid_type'
    const message = isWhole ? 'expected a function, or its steps: { before, execute, … }' : issue.message
    return { ...issue, path: [actions, action, ...inside], message }
  })

const action = exact(
  {
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
  },
  ['kind', 'steps'],
).refine(({ exec, steps: { execute } }) => (exec === undefined) !== (execute === undefined), {
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
