import type { Recorded } from '#contracts/envelope'
import type { RunEvent } from '#contracts/run'
import { edges } from './artifact-tables.ts'
import { keyOf } from './lineage.ts'
import { isExecuted, onNodes, runOf, waitAnew } from './on-nodes.ts'
import type { Handlers } from './projection.ts'
import type { Rows } from './rows.ts'
import { waitOf, whyFailed } from './run-reasons.ts'
import { type Holder, nodes, runs } from './run-tables.ts'

/** What happens to runs and to their nodes. */
export const onRuns: Handlers<RunEvent> = {
  ...onNodes,

  'run.planned': (rows, event) => {
    const { sequence, storedAt, correlationId, data } = event
    const { run, pipeline } = runOf(event)
    const { kind: trigger, message, rerun } = data.trigger
    const at = { began: sequence, startedAt: storedAt }
    const about = { trigger, message, repeats: rerun?.run ?? null, graph: data.graph, correlation: correlationId }
    // Of a run that nobody has heard of there are no nodes to be ended either.
    const isNew = rows.now(runs, { run }).length === 0
    rows.put(
      runs,
      { run },
      { pipeline, number: Number(event.address.key), state: 'running', ...about, ...at },
      sequence,
    )
    const waiting = new Set(
      data.nodes.filter(({ kind, reused }) => isExecuted(kind) && reused === undefined).map(({ part }) => part),
    )
    for (const { part, kind, after, join, reused } of data.nodes) {
      const waits = waiting.has(part)
      const reason = waits
        ? waitOf(
            part,
            kind,
            after.filter((one) => waiting.has(one)),
            join,
          )
        : null
      const node = { pipeline, kind, after, reason, attempt: 0, began: sequence, reused: reused ?? null }
      const message = reused === undefined ? null : `as in run ${pipeline}/${reused}`
      const row = { ...node, message, state: waits ? 'waiting' : 'succeeded' } as const
      if (isNew) rows.add(nodes, { run, part, ...row, since: sequence, until: null })
      else rows.put(nodes, { run, part }, row, sequence)
      for (const before of after) {
        const [source, target] = [before, part].map((one) => keyOf({ kind: 'execution', run, part: one }))
        if (source && target) rows.add(edges, { sequence, source, target, kind: 'after', run, part })
      }
    }
  },

  'run.paused': (rows, { address, sequence, principal, data: { by, reason } }) => {
    const { run, pipeline } = runOf({ address })
    const why = by === 'pipeline' ? `${pipeline} is paused: ${reason}` : reason
    const [now] = rows.now(runs, { run })
    holdBack(rows, run, [...(now?.heldBy ?? []), { by, reason: why, principal }], sequence)
    for (const { part, state } of rows.now(nodes, { run }))
      if (state === 'waiting' || state === 'queued' || state === 'paused')
        rows.turn(nodes, { run, part }, { state: 'paused', reason: why, dueAt: null }, sequence)
  },

  'run.resumed': (rows, { address, sequence, data: { by } }) => {
    const { run } = runOf({ address })
    const [now] = rows.now(runs, { run })
    // Held back by two, it stays so until both have let go.
    const left = now?.heldBy?.filter((holder) => holder.by !== by) ?? []
    const held = rows.now(nodes, { run }).filter(({ state }) => state === 'paused')
    if (left.length > 0) {
      holdBack(rows, run, left, sequence)
      const reason = left.at(-1)?.reason ?? null
      for (const { part } of held) rows.turn(nodes, { run, part }, { reason }, sequence)
      return
    }
    rows.turn(runs, { run, state: 'paused' }, { state: 'running', reason: null, heldBy: null }, sequence)
    for (const { part } of held) rows.turn(nodes, { run, part }, { state: 'waiting', reason: null }, sequence)
    waitAnew(rows, run, sequence)
  },

  'run.stop-begun': (rows, { address, sequence, principal, data: { why, reason } }) => {
    const asker = why === 'cancelled' ? principal : null
    const ending = { state: 'cancelling', reason, heldBy: null, principal: asker } as const
    rows.turn(runs, { run: runOf({ address }).run }, ending, sequence)
  },

  'run.succeeded': (rows, event) => ended(rows, event, { state: 'succeeded' }),
  'run.failed': (rows, event) => {
    const { failed } = event.data
    const reason = whyFailed(failed, rows.now(nodes, { run: runOf(event).run }))
    ended(rows, event, { state: 'failed', failed, reason })
  },
  'run.cancelled': (rows, event) => ended(rows, event, { state: 'cancelled', ...event.data }),
  'run.timed-out': (rows, event) => ended(rows, event, { state: 'timed-out', ...event.data }),
}

const holdBack = (rows: Rows, run: string, heldBy: readonly Holder[], sequence: number): void => {
  const reason = heldBy.map((holder) => holder.reason).join('; ')
  rows.turn(runs, { run }, { state: 'paused', reason, heldBy }, sequence)
}

type Ended = Recorded<string, unknown>

const ended = (rows: Rows, event: Ended, change: Partial<(typeof runs)['$inferInsert']>): void => {
  const { run } = runOf(event)
  rows.turn(runs, { run }, { ...change, endedAt: event.storedAt }, event.sequence)
}
