import type { Bus } from '#bus/bus'
import { commandFrom } from '#bus/command'
import type { Owner } from '#bus/handle'
import type { Cause, Recorded } from '#contracts/envelope'
import { splitPart } from '#contracts/names'
import type { Graph, Outcome } from '#contracts/pipeline'
import type { RunEvent } from '#contracts/run'
import { policyOf } from './graph.ts'
import type { Pipeline } from './pipeline-state.ts'
import type { Run } from './run-state.ts'

type Given = {
  readonly bus: Pick<Bus, 'principal'>
  readonly runs: Owner<Run>
  readonly pipeline: string
  readonly graphs: ReadonlyMap<string, Graph>
}

type Ended = { readonly run: number; readonly outcome: Outcome; readonly cause: Cause }

/** What a pipeline's open runs are to be told, and what they tell: pauses, nodes that have become known, ends. */
export const openTending = ({ bus, runs, pipeline, graphs }: Given) => {
  const over = new Map<number, Ended>()
  const unknown = new Map<number, Set<string>>()
  const held = new Map<number, string | undefined>()

  const hear = (event: Recorded & RunEvent): void => {
    const run = Number(event.address.key)
    switch (event.type) {
      case 'run.planned': {
        const parts = event.data.nodes.filter(({ kind }) => kind === 'unknown').map(({ part }) => part)
        if (parts.length > 0) unknown.set(run, new Set(parts))
        return
      }
      case 'run.node-known':
        unknown.get(run)?.delete(event.data.part)
        return
      case 'run.succeeded':
      case 'run.failed':
      case 'run.cancelled':
      case 'run.timed-out':
        over.set(run, { run, outcome: event.type.slice('run.'.length) as Outcome, cause: event })
    }
  }

  /** Runs that hold a slot though they have ended. */
  const ended = ({ open }: Pipeline): Ended[] => {
    for (const run of over.keys()) if (!open.includes(run)) over.delete(run)
    return open.flatMap((run) => over.get(run) ?? [])
  }

  const ask = (run: number, type: string, data: object) => {
    const address = { aggregate: 'run', scope: pipeline, key: String(run) }
    return runs.handle(address, commandFrom({ address, type, data }, bus.principal))
  }

  /** Tells open runs what they have not been told; a run that is told twice records it once. */
  const tell = async ({ open, paused }: Pipeline): Promise<void> => {
    for (const run of held.keys()) if (!open.includes(run)) held.delete(run)
    for (const run of unknown.keys()) if (!open.includes(run)) unknown.delete(run)
    for (const run of open) {
      if (!held.has(run) || held.get(run) !== paused) {
        await (paused === undefined ? ask(run, 'run.let-go', {}) : ask(run, 'run.hold', { reason: paused }))
        held.set(run, paused)
      }
      for (const part of unknown.get(run) ?? []) {
        const { pipeline: owner, node } = splitPart(part)
        const known = graphs.get(owner)?.nodes.find(({ name }) => name === node)
        if (known) await ask(run, 'run.know-node', { part, kind: known.kind, ...policyOf(known) })
      }
    }
  }

  return { hear, ended, tell }
}
