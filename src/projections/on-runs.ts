import { splitPart } from '#contracts/names'
import type { RunEvent } from '#contracts/run'
import { edges } from './artifact-tables.ts'
import { keyOf } from './lineage.ts'
import type { Handlers } from './projection.ts'
import type { Rows } from './rows.ts'
import { attempts, ignored, nodes, runs } from './run-tables.ts'

type Place = { readonly address: { readonly scope: string; readonly key: string } }

/** What happens to runs and to their nodes. */
export const onRuns: Handlers<RunEvent> = {
  'run.planned': (rows, event) => {
    const { sequence, storedAt, correlationId, data } = event
    const { run, pipeline } = runOf(event)
    const { kind: trigger, message } = data.trigger
    const at = { began: sequence, startedAt: storedAt }
    const state = { state: 'running', trigger, message, graph: data.graph, correlation: correlationId, ...at } as const
    rows.put(runs, { run }, { pipeline, number: Number(event.address.key), ...state }, sequence)
    const executed = new Set(data.nodes.filter(({ kind }) => isExecuted(kind)).map(({ part }) => part))
    for (const { part, kind, after } of data.nodes) {
      const waits = executed.has(part)
      const reason = !waits
        ? null
        : kind === 'unknown'
          ? forPipeline(part)
          : forNodes(after.filter((one) => executed.has(one)))
      const node = { pipeline, kind, after, reason, attempt: 0, began: sequence }
      rows.put(nodes, { run, part }, { ...node, state: waits ? 'waiting' : 'succeeded' }, sequence)
      for (const before of after) {
        const [source, target] = [before, part].map((one) => keyOf({ kind: 'execution', run, part: one }))
        if (source && target) rows.add(edges, { sequence, source, target, kind: 'after', run, part })
      }
    }
  },

  'run.node-scheduled': (rows, { address, sequence, data: { part, attempt } }) => {
    const [node] = rows.now(nodes, { run: runOf({ address }).run, part })
    const change =
      node?.kind === 'unknown'
        ? ({ state: 'waiting', reason: forPipeline(part) } as const)
        : ({ state: 'queued', reason: null } as const)
    turn(rows, { address }, part, { ...change, attempt, host: null }, sequence)
  },

  'run.node-started': (rows, { address, sequence, storedAt, data }) => {
    const { run, pipeline } = runOf({ address })
    const { part, attempt, delivery, instance, host } = data
    const started = { state: 'running', reason: null, host, attempt, startedAt: storedAt } as const
    turn(rows, { address }, part, started, sequence)
    rows.turn(
      attempts,
      { run, part, outcome: 'running' },
      { outcome: 'superseded', endedAt: storedAt, reason: `${host} took over` },
      sequence,
    )
    const execution = { run, part, attempt, delivery, instance }
    const row = { pipeline, host, outcome: 'running', began: sequence, startedAt: storedAt } as const
    rows.put(attempts, execution, row, sequence)
  },

  'run.node-succeeded': (rows, { address, sequence, storedAt, data: { message = null, ...execution } }) => {
    const ended = { message, endedAt: storedAt }
    turn(rows, { address }, execution.part, { state: 'succeeded', reason: null, ...ended }, sequence)
    const { run } = runOf({ address })
    rows.turn(attempts, { run, ...execution }, { outcome: 'succeeded', ...ended }, sequence)
    const all = rows.now(nodes, { run })
    const done = new Set(all.filter(({ state }) => state === 'succeeded').map(({ part }) => part))
    for (const { part, after, state, kind } of all) {
      if (state !== 'waiting' || kind === 'unknown' || !after.includes(execution.part)) continue
      turn(rows, { address }, part, { reason: forNodes(after.filter((before) => !done.has(before))) }, sequence)
    }
  },

  'run.node-failed': (rows, { address, sequence, storedAt, data: { how, reason, ...execution } }) => {
    turn(rows, { address }, execution.part, { state: how, reason, endedAt: storedAt }, sequence)
    const { run } = runOf({ address })
    rows.turn(attempts, { run, ...execution }, { outcome: how, reason, endedAt: storedAt }, sequence)
  },

  'run.node-skipped': (rows, { address, sequence, data: { part, reason } }) =>
    turn(rows, { address }, part, { state: 'skipped', reason }, sequence),

  'run.report-ignored': (rows, { address, sequence, storedAt, data }) =>
    rows.add(ignored, { sequence, ...runOf({ address }), ...data, at: storedAt }),

  'run.succeeded': (rows, { address, sequence, storedAt }) =>
    rows.turn(runs, { run: runOf({ address }).run }, { state: 'succeeded', endedAt: storedAt }, sequence),

  'run.failed': (rows, { address, sequence, storedAt, data: { failed } }) =>
    rows.turn(runs, { run: runOf({ address }).run }, { state: 'failed', failed, endedAt: storedAt }, sequence),
}

/** A node that somebody had named and nobody known is defined now: it waits for others, or for a host. */
export const onDefined = (rows: Rows, part: string, kind: string, sequence: number): void => {
  for (const { run, after, attempt, state } of rows.now(nodes, { kind: 'unknown', part })) {
    const all = rows.now(nodes, { run })
    const waits = after.filter((before) => all.some((one) => one.part === before && one.state !== 'succeeded'))
    const waiting = state === 'waiting'
    const change = attempt > 0 ? ({ state: 'queued', reason: null } as const) : { reason: forNodes(waits) }
    rows.turn(nodes, { run, part }, { kind, ...(waiting && change) }, sequence)
  }
}

const runOf = ({ address: { scope, key } }: Place): { readonly run: string; readonly pipeline: string } => ({
  run: `${scope}/${Number(key)}`,
  pipeline: scope,
})

const turn = (
  rows: Rows,
  place: Place,
  part: string,
  change: Partial<(typeof nodes)['$inferInsert']>,
  sequence: number,
): void => rows.turn(nodes, { run: runOf(place).run, part }, change, sequence)

const isExecuted = (kind: string): boolean => kind === 'action' || kind === 'unknown'

const forNodes = (parts: readonly string[]): string | null =>
  parts.length > 0 ? `waiting for ${parts.join(', ')}` : null

const forPipeline = (part: string): string =>
  `waiting for its pipeline: nobody has defined ${splitPart(part).pipeline} yet`
