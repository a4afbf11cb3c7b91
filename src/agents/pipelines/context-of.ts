import { nearest } from '#contracts/nearest'
import type { LogLevel } from '../result.ts'
import { type Call, handlesFor, inputFile } from './handles-for.ts'
import type { Assignment } from './messages.ts'
import { namedStores } from './named-stores.ts'
import type { Context, Definition, Pipeline } from './shape.ts'

export type { Call }

type Given = {
  readonly pipeline: Pipeline
  readonly call: Call
  readonly say: (level: LogLevel) => (message: string, more?: Readonly<Record<string, unknown>>) => void
  readonly signal: AbortSignal
}

/** Where bytes are drafted that are to be saved in a store of another host, by store; of this host's, in the store itself. */
export type Drafts = { readonly drafts?: Readonly<Record<string, string>> }

/** How often at most progress is said, in milliseconds. */
const progressEvery = 250

/** What a function is given for an assignment, and a promise of when all that it began to record has been recorded. */
export const contextOf = (
  { pipeline, call, say, signal }: Given,
  { run: { reused = {}, ...run }, inputs, drafts = {} }: Assignment & Drafts,
) => {
  const { counted, track, allDone } = recording()
  const handles = handlesFor(call, track)
  let saidAt = Number.NEGATIVE_INFINITY
  const context: Context = {
    run: {
      ...run,
      numberOf: (node) => {
        const part = node.includes('/') ? node : `${pipeline.name}/${node}`
        if (part === node || Object.hasOwn(pipeline.actions, node)) return reused[part] ?? run.number
        throw new TypeError(`${pipeline.name} has no action ${node}${nearest(node, Object.keys(pipeline.actions))}`)
      },
      // Every watched store is there, also where it offered nothing: so says the type.
      inputs: Object.fromEntries(
        Object.entries(pipeline.stores).flatMap(([node, definition]) =>
          'watch' in definition && definition.watch
            ? [[node, (inputs[node] ?? []).map((file) => inputFile(call, node, file))]]
            : [],
        ),
      ),
    } as Context['run'],
    stores: namedStores(
      Object.fromEntries(
        Object.entries(pipeline.stores).map(([node, definition]) => {
          const path = drafts[node]
          return [
            node,
            counted(handles(node, path === undefined ? definition : ({ ...definition, path } as Definition))),
          ]
        }),
      ) as Context['stores'],
    ),
    log: { debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error') },
    progress: (done, of, message) => {
      const now = performance.now()
      if (now - saidAt < progressEvery && done !== of) return
      saidAt = now
      const text = [of === undefined ? `${done}` : `${done} of ${of}`, message].filter(Boolean).join(': ')
      say('info')(text, { progress: { done, ...(of !== undefined && { of }) } })
    },
    signal,
  }
  return { context, allDone }
}

type Verb = (...args: never[]) => Promise<unknown>

const records: ReadonlySet<string> = new Set(['save', 'card', 'upload', 'tag', 'logParam'])

/** Counts what a function has begun to record and has not come to its end. What it only reads, nobody waits for. */
const recording = () => {
  const underWay = new Set<Promise<unknown>>()

  const track = (doing: Promise<unknown>): Promise<unknown> => {
    underWay.add(doing)
    return doing.finally(() => underWay.delete(doing))
  }

  /** A handle that counts. What breaks is still whoever's who began it: nobody else looks at that. */
  const counted = (handle: object): unknown =>
    Object.fromEntries(
      Object.entries(handle as Readonly<Record<string, Verb>>).map(([verb, act]) => [
        verb,
        (...args: never[]) => {
          const doing = act(...args)
          return records.has(verb) ? track(doing) : doing
        },
      ]),
    )

  /** Waits for what a function began and did not await; where that breaks, the process has ended by then. */
  const allDone = async (): Promise<void> => {
    while (underWay.size > 0) await Promise.allSettled(underWay)
    await new Promise((resolve) => setImmediate(resolve))
  }
  return { counted, track, allDone }
}
