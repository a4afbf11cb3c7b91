import { mistakesOf } from '#contracts/all'
import { part } from '#contracts/names'
import { nearest } from '#contracts/nearest'
import { asWritten, pipelineShape } from './config-shape.ts'
import { extentOf, unrunnable } from './graph.ts'
import { graphOf } from './graph-of.ts'
import type { Pipeline } from './shape.ts'

/** What a web process answers to by itself: a node of such a name would have no page. */
const reserved = ['api', 'artifacts', 'console', 'health', 'hosts', 'ready', 'runs']

/** Every mistake in a pipeline, each with the path of its property; where some of it is not understood, of all the rest. */
export const mistakesIn = (value: unknown): string[] => {
  const parsed = pipelineShape.safeParse(value)
  const mistakes = parsed.success ? [] : mistakesOf(asWritten(parsed.error.issues))
  mistakes.push(...betweenNodes(understood(value)))
  if (mistakes.length > 0) return mistakes
  const pipeline = value as Pipeline
  const unfit = unrunnable(extentOf(pipeline.name, new Map([[pipeline.name, graphOf(pipeline)]])))
  return unfit ? [`actions: ${unfit.reason}`] : []
}

type Fields = Readonly<Record<string, unknown>>

/** What the nodes of a pipeline say of each other, as far as it is understood. */
type Understood = {
  readonly name: string
  readonly stores: Readonly<Record<string, Fields>>
  readonly actions: Readonly<Record<string, { readonly after: readonly string[]; readonly next: readonly string[] }>>
}

const understood = (value: unknown): Understood => {
  const { name, stores, actions } = fieldsOf(value)
  const each = <One>(some: unknown, give: (one: Fields) => One): Readonly<Record<string, One>> =>
    Object.fromEntries(Object.entries(fieldsOf(some)).map(([node, one]) => [node, give(fieldsOf(one))]))
  return {
    name: String(name),
    stores: each(stores, (one) => one),
    actions: each(actions, ({ after, next }) => ({ after: wordsOf(after), next: wordsOf(next) })),
  }
}

const fieldsOf = (value: unknown): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {}

/** Of a list in which all is text: in another, a place would be that of another word. */
const wordsOf = (value: unknown): readonly string[] =>
  Array.isArray(value) && value.every((one) => typeof one === 'string') ? value : []

/** What is wrong between nodes, each of which may be right in itself. */
const betweenNodes = ({ name, stores, actions }: Understood): string[] => {
  const nodes = [...Object.keys(stores), ...Object.keys(actions)]
  const mistakes: string[] = []
  for (const node of nodes.filter((node) => reserved.includes(node)))
    mistakes.push(`${node in stores ? 'stores' : 'actions'}.${node}: the web process has a page of this name`)
  for (const [store, { trigger, watch }] of Object.entries(stores))
    if (watch === false && trigger) mistakes.push(`stores.${store}.trigger: only a store with watch: true starts runs`)
  const own = (node: string) => (node.startsWith(`${name}/`) ? node.slice(name.length + 1) : node)
  for (const twice of Object.keys(stores).filter((store) => store in actions))
    mistakes.push(`actions.${twice}: a store has this name already`)
  for (const [node, { after, next }] of Object.entries(actions)) {
    after.forEach((before, index) => {
      if (own(before).includes('/') ? !part.safeParse(before).success : !nodes.includes(own(before)))
        mistakes.push(`actions.${node}.after.${index}: no node is called '${before}'${nearest(own(before), nodes)}`)
    })
    next.forEach((behind, index) => {
      if (behind.startsWith(`${name}/`))
        mistakes.push(`actions.${node}.next.${index}: '${behind}' is of this pipeline: say it there, with after`)
    })
  }
  if (Object.values(stores).filter(({ kind }) => kind === 'metadata-store').length > 1)
    mistakes.push('stores: more than one metadata store: a pipeline has one at most')
  return mistakes
}
