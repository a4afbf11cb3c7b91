import { z } from 'zod'
import { artifactStates } from '#contracts/artifact'
import { exact } from '#contracts/fields'
import { digest, name, part, runName } from '#contracts/names'
import { trigger } from '#contracts/pipeline'

/** What a list is narrowed by, in the words of whoever reads. */
export type Filter = Readonly<Record<string, unknown>> & {
  readonly run?: number | string | undefined
  readonly pipeline?: string | undefined
  readonly store?: string | undefined
}

/** One list of metadata: the view that answers, and what may narrow it. */
export type MetadataRead = {
  readonly view: string
  readonly filter: z.ZodType<Filter>
  /** It is of one pipeline: the one that keeps the metadata, unless the filter names another. */
  readonly scoped: boolean
}

const time = z.string().refine((text) => !Number.isNaN(Date.parse(text)), 'use a time such as 2026-01-31T12:00:00Z')
const text = z.string().max(4096)
const node = z.union([part, name], 'use <pipeline>/<node>, or the node alone')
const run = z.union([z.int().nonnegative(), runName], 'use a number, or <pipeline>/<number>')
const place = { store: node, pipeline: name, path: z.string().min(1).max(4096), digest }

const readOf = (view: string, scoped: boolean, filters: z.ZodRawShape): MetadataRead => ({
  view,
  scoped,
  filter: exact({ ...filters, from: time, to: time }).partial() as z.ZodType as z.ZodType<Filter>,
})
const noted = (view: string): MetadataRead => readOf(view, true, { key: text, pipeline: name, run, node })

/** Every list that a function can read of metadata, by the name that it has in the function's handle. */
export const metadataReads = {
  metrics: noted('metrics'),
  params: noted('params'),
  tags: noted('tags'),
  artifacts: readOf('artifacts', false, { ...place, run, state: z.enum(artifactStates) }),
  artifactTags: readOf('artifact-tags', false, { ...place, key: text, value: text }),
  triggers: readOf('triggers', true, { pipeline: name, run, kind: trigger.shape.kind }),
} as const satisfies Readonly<Record<string, MetadataRead>>

export type MetadataReadName = keyof typeof metadataReads
export const metadataReadNames = Object.keys(metadataReads) as readonly MetadataReadName[]

/** The list that a function asks for; undefined where it asks for something else. */
export const metadataReadOf = (verb: string): MetadataRead | undefined =>
  Object.hasOwn(metadataReads, verb) ? metadataReads[verb as MetadataReadName] : undefined

/** A filter in the words of the view. A number alone is a run of `keeper`, the pipeline that keeps the metadata. */
export const asViewed = (
  { scoped }: MetadataRead,
  { store, run, ...same }: Filter,
  keeper: string,
): Readonly<Record<string, unknown>> => {
  const ofRun = typeof run === 'number' ? `${(scoped ? same.pipeline : undefined) ?? keeper}/${run}` : run
  return { ...same, ...(store !== undefined && { node: store }), ...(ofRun !== undefined && { run: ofRun }) }
}
