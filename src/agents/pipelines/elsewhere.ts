import { randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { reasonOf } from '#bus/fault'
import type { Local } from '../local.ts'
import type { Drafts } from './context-of.ts'
import type { Kinds } from './definition.ts'
import type { Trader } from './exchange.ts'
import { executor } from './executor.ts'
import type { Assignment, Described } from './messages.ts'
import type { NodeWorker } from './node-work.ts'
import { usedElsewhere } from './store-elsewhere.ts'

type Given = Parameters<typeof executor>[0]
type Runners = Given['runners']

/** Where a host keeps what lies elsewhere for as long as an execution uses it: beside its own database. */
const folderOf = (local: Local): string => join(dirname(local.name), 'elsewhere')

/** Removes what executions had here that a kill of this host has ended. */
export const clearElsewhere = (local: Local): Promise<void> => rm(folderOf(local), { recursive: true, force: true })

/**
 * Executes a node of a pipeline of which some stores lie on other hosts. What the run was offered there is fetched before the
 * function begins, anything else when it is asked for; all of it is removed when the function has ended.
 */
export const executorFrom = (
  trader: Trader,
  stores: Kinds,
  { local, pipeline, ...given }: Given & { readonly local: Local; readonly pipeline: string },
): NodeWorker['execute'] => {
  if (Object.keys(stores).length === 0) return executor(given)
  return async (event, execution, signal) => {
    const folder = join(folderOf(local), randomUUID())
    const elsewhere = new Map(
      Object.keys(stores).map((node) => [node, usedElsewhere(trader, `${pipeline}/${node}`, join(folder, node))]),
    )
    const drafts = Object.fromEntries([...elsewhere].map(([node, { root }]) => [node, root]))
    const { part, attempt, delivery } = execution
    const by = { run: `${event.address.scope}/${event.address.key}`, part, attempt }
    const doing = { by, delivery, causedBy: event, signal }

    const execute: Runners['execute'] = async ({ inputs, ...assignment }, services) => {
      const waiting = (reason: string) => services.log('info', `${part} is ${reason}`)
      const fetched: Record<string, readonly Described[]> = { ...inputs }
      try {
        for (const [node, store] of elsewhere)
          if (inputs[node]) fetched[node] = await store.inputs(inputs[node], { ...doing, waiting })
      } catch (cause) {
        if (!signal.aborted) throw cause
        return { outcome: 'errored', reason: reasonOf(signal.reason) } // Nothing of it has begun.
      }
      const told: typeof assignment & Pick<Assignment, 'inputs'> & Drafts = { ...assignment, inputs: fetched, drafts }
      return given.runners.execute(told, services)
    }
    try {
      const nodes = { ...given.nodes, elsewhere }
      return await executor({ ...given, runners: { execute }, nodes })(event, execution, signal)
    } finally {
      await rm(folder, { recursive: true, force: true, maxRetries: 3 })
    }
  }
}
