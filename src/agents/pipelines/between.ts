import { sep } from 'node:path'
import { splitPart } from '#contracts/names'
import type { Graph } from '#contracts/pipeline'
import { extentOf, unrunnable } from './graph.ts'
import type { Pipeline } from './shape.ts'
import { noNode, unfitFor } from './stands-for.ts'

/** A pipeline as its config exports it, with absolute paths; nothing in it is a mistake by itself. */
export type Exported = {
  readonly file: string
  readonly exported: string
  readonly pipeline: Pipeline
  readonly graph: Graph
}

/** What is wrong, and in which config. */
type Mistake = { readonly file: string; readonly mistake: string }

/** Every mistake that only shows where the pipelines of one config are seen together. */
export const mistakesBetween = (pipelines: readonly Exported[]): string[] => {
  const folders = sharedFolders(pipelines)
  const mistakes = [...sharedNames(pipelines), ...unknownNodes(pipelines), ...unknownStores(pipelines)]
  const all = [...folders, ...mistakes.map(({ mistake }) => mistake)]
  return all.length > 0 ? all : unfit(pipelines).map(({ mistake }) => mistake)
}

/** Every mistake that only shows where several configs are seen together; their folders may be on several machines. */
export const mistakesAcross = (pipelines: readonly Exported[]): Mistake[] => {
  const mistakes = [...sharedNames(pipelines), ...unknownNodes(pipelines), ...unknownStores(pipelines)]
  return mistakes.length > 0 ? mistakes : unfit(pipelines)
}

/** Of several pipelines there may be more nodes than one run has: they need not be one run's. */
const unfit = (pipelines: readonly Exported[]): Mistake[] => {
  const graphs = new Map(pipelines.map(({ graph }) => [graph.pipeline, graph]))
  const first = [...graphs.keys()].map((name) => unrunnable(extentOf(name, graphs))).find((one) => one !== undefined)
  const at = pipelines.find(({ pipeline }) => pipeline.name === splitPart(first?.at ?? '').pipeline)
  return first ? [{ file: (at ?? pipelines[0])?.file ?? '', mistake: `actions: ${first.reason}` }] : []
}

const sharedNames = (pipelines: readonly Exported[]): Mistake[] =>
  pipelines.flatMap(({ file, exported, pipeline: { name } }, index) => {
    const first = pipelines.slice(0, index).find(({ pipeline }) => pipeline.name === name)
    const other = first && (first.file === file ? first.exported : `${first.exported} of ${first.file}`)
    const mistake = `${exported}.name: ${other} is called '${name}' already: another pipeline needs a name of its own`
    return other ? [{ file, mistake }] : []
  })

/** A folder that is two stores would be offered, saved and recorded twice. */
const sharedFolders = (pipelines: readonly Exported[]): string[] => {
  const places = pipelines.flatMap(({ exported, pipeline }) =>
    Object.entries(pipeline.stores).flatMap(([store, one]) =>
      'path' in one ? [{ at: `${exported}.stores.${store}.path`, path: one.path }] : [],
    ),
  )
  return places.flatMap((one, index) =>
    places
      .slice(0, index)
      .filter(({ path }) => holds(one.path, path) || holds(path, one.path))
      .map((other) => `${one.at}: ${one.path} and ${other.path} of ${other.at} overlap: one must not lie in the other`),
  )
}

const holds = (outer: string, inner: string): boolean =>
  inner === outer || inner.startsWith(outer.endsWith(sep) ? outer : outer + sep)

/** The pipeline that a name speaks of, where it is among these: one that is not may exist all the same. */
const ownerOf = (qualified: string, pipelines: readonly Exported[]): Graph | undefined =>
  qualified.includes('/')
    ? pipelines.find(({ graph }) => graph.pipeline === splitPart(qualified).pipeline)?.graph
    : undefined

const unknownNodes = (pipelines: readonly Exported[]): Mistake[] =>
  pipelines.flatMap(({ file, exported, pipeline: { actions } }) =>
    Object.entries(actions).flatMap(([action, { after = [], next = [] }]) =>
      Object.entries({ after, next }).flatMap(([edge, named]) =>
        named.flatMap((qualified, index) => {
          const owner = ownerOf(qualified, pipelines)
          const known = owner?.nodes.map(({ name }) => name) ?? []
          return owner && !known.includes(splitPart(qualified).node)
            ? [{ file, mistake: `${exported}.actions.${action}.${edge}.${index}: ${noNode(qualified, known)}` }]
            : []
        }),
      ),
    ),
  )

/** Clients of what is no store, or is one of a kind that they can't stand for. */
const unknownStores = (pipelines: readonly Exported[]): Mistake[] =>
  pipelines.flatMap(({ file, exported, pipeline: { stores } }) =>
    Object.entries(stores).flatMap(([store, one]) => {
      const owner = 'of' in one ? ownerOf(one.of, pipelines) : undefined
      const reason = owner && 'of' in one ? unfitFor(one.kind, one.of, owner) : undefined
      return reason === undefined ? [] : [{ file, mistake: `${exported}.stores.${store}.of: ${reason}` }]
    }),
  )
