import { sep } from 'node:path'
import { splitPart } from '#contracts/names'
import type { Graph } from '#contracts/pipeline'
import { cycleIn, extentOf } from './graph.ts'
import { nearest } from './nearest.ts'
import type { Pipeline } from './shape.ts'

/** A pipeline as its config exports it, with absolute paths; nothing in it is a mistake by itself. */
type Exported = { readonly exported: string; readonly pipeline: Pipeline; readonly graph: Graph }

/** Every mistake that only shows where the pipelines of one config are seen together. */
export const mistakesBetween = (pipelines: readonly Exported[]): string[] => {
  const mistakes = [...sharedNames(pipelines), ...sharedFolders(pipelines), ...unknownNodes(pipelines)]
  if (mistakes.length > 0) return mistakes
  const graphs = new Map(pipelines.map(({ graph }) => [graph.pipeline, graph]))
  const nodes = new Map([...graphs.keys()].flatMap((name) => extentOf(name, graphs).map((node) => [node.part, node])))
  const cycle = cycleIn([...nodes.values()])
  return cycle ? [`actions: a cycle: ${cycle.join(' -> ')}`] : []
}

const sharedNames = (pipelines: readonly Exported[]): string[] =>
  pipelines.flatMap(({ exported, pipeline: { name } }, index) => {
    const first = pipelines.findIndex(({ pipeline }) => pipeline.name === name)
    return first < index
      ? [
          `${exported}.name: ${pipelines[first]?.exported} is called '${name}' already: another pipeline needs a name of its own`,
        ]
      : []
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

/** A node of a pipeline that is not in this config may exist all the same. */
const unknownNodes = (pipelines: readonly Exported[]): string[] =>
  pipelines.flatMap(({ exported, pipeline: { actions } }) =>
    Object.entries(actions).flatMap(([action, { after = [], next = [] }]) =>
      Object.entries({ after, next }).flatMap(([edge, named]) =>
        named.flatMap((qualified, index) => {
          const of = splitPart(qualified)
          const other = pipelines.find(({ graph }) => qualified.includes('/') && graph.pipeline === of.pipeline)
          const known = other?.graph.nodes.map(({ name }) => name) ?? []
          return other && !known.includes(of.node)
            ? [
                `${exported}.actions.${action}.${edge}.${index}: no node is called '${qualified}'${nearest(of.node, known)}`,
              ]
            : []
        }),
      ),
    ),
  )
