import type { Bus } from '#bus/bus'
import type { Graph } from '#contracts/pipeline'
import { type Preview, repetitionAsked } from '#contracts/repetition'
import { servicesOf } from '#contracts/subjects'
import { parse } from './asked.ts'
import { repeatOf } from './repeat.ts'

type Given = {
  readonly bus: Bus
  readonly pipeline: string
  readonly graphs: ReadonlyMap<string, Graph>
  readonly signal: AbortSignal
}

/** Answers what a repeated run would execute again and what it would reuse, until `signal` aborts: verb `repeat` of the metadata store. */
export const servePreviews = ({ bus, pipeline, graphs, signal }: Given, store: string): Promise<void> =>
  bus.serve(
    servicesOf(pipeline, store, 'repeat'),
    async ({ body }): Promise<Preview> => {
      const found = await repeatOf({ bus, pipeline, graphs }, parse(repetitionAsked, 'repeat', body))
      if (!found.possible) return found
      const nodes = found.nodes
        .filter(({ kind }) => kind === 'action' || kind === 'unknown')
        .map(({ part, kind, reused = null, reason }) => ({ part, kind, reused, reason }))
      return { possible: true, nodes }
    },
    signal,
  )
