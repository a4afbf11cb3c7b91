import { memoryBus } from '#bus/memory'
import type { Page } from '#projections/view'
import type { ViewName } from '#projections/views'
import { appearing } from './hosts.ts'
import type { Reach } from './metadata-suite.ts'
import { leafGraph, rootGraph, teller, watching } from './story.ts'

/** The example, told so many times over, and what asks about it. */
export const told = async (runs = 1, reach: Reach = async (reader) => reader.ask) => {
  const bus = memoryBus()
  const story = teller(bus)
  await story.define(rootGraph)
  await story.define(leafGraph)
  await appearing(bus)
  for (let run = 0; run < runs; run++) await story.wholeRun(run)
  const watched = await watching(bus)
  await watched.caughtUp()
  const ask = await reach(watched.viewer, bus)
  const one = async (view: ViewName, said: object = {}) => (await ask(view, said)).value
  const list = async (view: ViewName, said: object = {}) => ((await one(view, said)) as Page).items
  return { bus, story, ...watched, list, one }
}
