import { z } from '@hono/zod-openapi'
import { orAborted } from '#bus/abort'
import { Fault, faults } from '#bus/fault'
import { isDefined } from '#bus/post'
import { problemsOf } from '#contracts/all'
import { nearest } from '#contracts/nearest'
import { serviceOf } from '#contracts/subjects'
import type { Site } from './site.ts'

/** A whole number as a query or a path says it. */
export const digits = z
  .string()
  .regex(/^\d{1,15}$/, 'use a whole number, in digits')
  .transform(Number)

/** What was said, as a schema has it; what it does not have is told field by field. */
export const checked = <Schema extends z.ZodType>(what: string, schema: Schema, given: unknown): z.output<Schema> => {
  const parsed = schema.safeParse(given)
  if (!parsed.success) throw faults.brokenQuery(what, problemsOf(parsed.error.issues), parsed.error.issues)
  return parsed.data
}

type Seen = { readonly part: string; readonly pipeline: string }

const nodesSeen = async (viewer: Site['viewer']): Promise<readonly Seen[]> =>
  ((await viewer.ask('graph', {})).value as { readonly nodes: readonly Seen[] }).nodes

const noPipeline = (named: string, known: readonly string[]): Fault =>
  faults.nothingThere(`pipeline ${named}${known.length > 0 ? nearest(named, [...new Set(known)]) : ''}`)

/** Refuses what is said about a pipeline that nobody has defined; whether its host is there does not matter. */
export const mustBeDefined = async ({ bus, viewer }: Pick<Site, 'bus' | 'viewer'>, pipeline: string): Promise<void> => {
  if (await isDefined(bus, pipeline)) return
  const seen = await nodesSeen(viewer).catch(() => []) // Without them it is only said more briefly.
  throw noPipeline(
    pipeline,
    seen.map((node) => node.pipeline),
  )
}

/** Nobody answers for what was never defined: that is a wrong name, and no host that is away. */
export const unlessUnknown = async (
  { viewer }: Pick<Site, 'viewer'>,
  cause: unknown,
  pipeline: string,
  store?: string,
): Promise<never> => {
  if (!(cause instanceof Fault && cause.code === 'bus.no-owner')) throw cause
  const nodes = await nodesSeen(viewer)
  const pipelines = nodes.map((node) => node.pipeline)
  if (!pipelines.includes(pipeline)) throw noPipeline(pipeline, pipelines)
  const parts = nodes.map(({ part }) => part)
  const part = `${pipeline}/${store}`
  if (store !== undefined && !parts.includes(part)) throw faults.noStore(part, nearest(part, parts))
  throw cause
}

/** How long a store may take to answer, and how often it is asked again while it moves many bytes; milliseconds. */
const usualPatience = 60_000
const tries = 10

/** Asks a store, in the name of the user; again while it is slow, for who asks again is told with the first. */
export const askStore = async (
  { viewer, bus, user, patience: timeout = usualPatience }: Pick<Site, 'viewer' | 'bus' | 'user' | 'patience'>,
  { pipeline, store, verb }: { readonly pipeline: string; readonly store: string; readonly verb: string },
  body: object,
  left: AbortSignal,
): Promise<unknown> => {
  const subject = serviceOf(pipeline, store, verb, bus.principal)
  for (let asked = 1; ; asked++)
    try {
      return await orAborted(bus.request(subject, body, { timeout, onBehalfOf: user }), left)
    } catch (cause) {
      const isSlow = cause instanceof Fault && cause.code === 'bus.timeout'
      if (left.aborted) throw faults.closed(subject)
      if (!isSlow || asked === tries) return await unlessUnknown({ viewer }, cause, pipeline, store)
    }
}
