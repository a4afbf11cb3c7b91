import { onTestFinished } from 'vitest'
import { pipelineDecider } from '#agents/pipelines/pipeline'
import { servePreviews } from '#agents/pipelines/preview'
import { run } from '#agents/pipelines/run'
import { own } from '#bus/command'
import { memoryHub } from '#bus/memory'
import { clientOf } from '#client/client'
import { keepsMetadata } from '#client/known'
import { answerQueries } from '#projections/answer-queries'
import { leafGraph, rootGraph, teller, watching } from '../projections/story.ts'

/** The example, told so many times, with those who own its runs and answer for its metadata; and a script's client. */
export const siteOf = async ({ runs = 1, graphs = [rootGraph, leafGraph] } = {}) => {
  const hub = memoryHub()
  const bus = hub.connect('site')
  const story = teller(bus)
  for (const graph of graphs) await story.define(graph)
  for (let number = 0; number < runs; number++) await story.wholeRun(number)
  const { viewer, caughtUp } = await watching(bus)
  await caughtUp()
  const stop = new AbortController()
  onTestFinished(() => stop.abort())
  const { signal } = stop
  const keepers = graphs.filter(keepsMetadata).map(({ pipeline }) => pipeline)
  void answerQueries(bus, viewer, keepers, signal)
  const owner = hub.connect('owner')
  for (const decider of [pipelineDecider, run]) own(owner, decider as never, 'root', signal)
  const known = new Map(graphs.map((graph) => [graph.pipeline, graph]))
  void servePreviews({ bus: owner, pipeline: 'root', graphs: known, signal }, 'metadata_store')
  const client = clientOf(hub.connect('ann'))

  /** A run that has begun, and what it would take to go on with it. */
  const begun = async (number: number) => {
    await story.drop(`haiku${number}.txt`)
    await story.plan(graphs)
    await story.start(number, 'root/retraining')
    return `root/${number}`
  }
  /** Prints as a node of a run does. */
  const print = (number: number, part: string, texts: readonly string[], attempt = 1) =>
    bus.print(
      { scope: 'root', key: String(number), part, attempt, delivery: attempt },
      texts.map((text, at) => ({ at, level: text.startsWith('!') ? ('warn' as const) : ('info' as const), text })),
    )
  return { hub, bus, story, client, begun, print, signal }
}
