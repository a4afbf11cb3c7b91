import { onTestFinished } from 'vitest'
import type { Bus } from '#bus/bus'
import type { Graph } from '#contracts/pipeline'
import { leafGraph, rootGraph } from './story.ts'

/** Hosts that run these pipelines, there until the test ends. */
export const appearing = async (bus: Bus, graphs: readonly Graph[] = [rootGraph, leafGraph]) => {
  for (const { pipeline, nodes } of graphs) {
    const here = new AbortController()
    const names = nodes.map(({ name }) => `${pipeline}/${name}`)
    const about = { host: `host-${pipeline}`, instance: `at-${pipeline}`, machine: 'm', nodes: names }
    const { gone } = await bus.appear(about, here.signal)
    onTestFinished(async () => {
      here.abort()
      await gone
    })
  }
}
