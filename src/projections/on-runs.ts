import type { Recorded } from '#contracts/envelope'
import type { RunEvent } from '#contracts/run'
import { edges } from './artifact-tables.ts'
import { keyOf } from './lineage.ts'
import type { Handlers } from './projection.ts'
import type { Rows } from './rows.ts'
import { waitOf, whyAgain, whyFailed } from './run-reasons.ts'
import { attempts, type Holder, ignored, nodes, runs } from './run-tables.ts'
import { hosts } from './tracking-tables.ts'

type Place = { readonly address: { readonly scope: string; readonly key: string } }

/** What happens to runs and to their nodes. */
export const onRuns: Handlers<RunEvent> = {
  'run.planned': (rows, event) => {
    const { sequence, storedAt, correlationId, data } = event
    const { run, pipeline } = runOf(event)
    const { kind: trigger, message, rerun } = data.trigger
    const at = { began: sequence, startedAt: storedAt }
    const about = { trigger, message, repeats: rerun?.run ?? null, graph: data.graph, correlation: correlationId }
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
      rows.put(nodes, { run, part }, { ...node, message, state: waits ? 'waiting' : 'succeeded' }, sequence)
      for (const before of after) {
        const [source, target] = [before, part].map((one) => keyOf({ kind: 'execution', run, part: one }))
        if (source && target) rows.add(edges, { sequence, source, target, kind: 'after', run, part })
      }
    }
  },

  'run.node-known': (rows, { address, sequence, data: { part, kind } }) => {
    turn(rows, { address }, part, { kind, ...(!isExecuted(kind) && { state: 'succeeded', reason: null }) }, sequence)
    waitAnew(rows, runOf({ address }).run, sequence)
  },

  'run.node-scheduled': (rows, { address, sequence, data }) => queue(rows, { address }, data, sequence),

  'run.node-started': (rows, { address, sequence, storedAt, data }) => {
    const { run, pipeline } = runOf({ address })
    const { part, attempt, delivery, instance, host } = data
    const started = { state: 'running', reason: null, host, attempt, startedAt: storedAt, endedAt: null } as const
    turn(rows, { address }, part, started, sequence)
    const [before] = rows.now(attempts, { run, part, outcome: 'running' })
    if (before) {
      const reason = whyAgain(before, host, rows.now(hosts, { host })[0]?.since)
      const over = { outcome: 'superseded', endedAt: storedAt, reason } as const
      rows.turn(attempts, { run, part, outcome: 'running' }, over, sequence)
    }
    const execution = { run, part, attempt, delivery, instance }
    const row = { pipeline, host, outcome: 'running', began: sequence, startedAt: storedAt } as const
    rows.put(attempts, execution, row, sequence)
  },

  'run.node-turned': (rows, { address, sequence, data: { part, phase } }) =>
    turn(rows, { address }, part, { state: phase }, sequence),

  'run.node-succeeded': (rows, { address, sequence, storedAt, data }) => {
    const { message = null, next, ...execution } = data
    const ended = { message, endedAt: storedAt }
    turn(rows, { address }, execution.part, { state: 'succeeded', reason: null, ...ended }, sequence)
    const { run } = runOf({ address })
    rows.turn(attempts, { run, ...execution }, { outcome: 'succeeded', ...ended }, sequence)
    for (const scheduled of next) queue(rows, { address }, scheduled, sequence)
    waitAnew(rows, run, sequence, execution.part)
  },

  'run.node-failed': (rows, { address, sequence, storedAt, data: { how, reason, ...execution } }) => {
    turn(rows, { address }, execution.part, { state: how, reason, endedAt: storedAt }, sequence)
    const { run } = runOf({ address })
    rows.turn(attempts, { run, ...execution }, { outcome: how, reason, endedAt: storedAt }, sequence)
  },

  'run.node-retry-set': (rows, { address, sequence, storedAt, data: { part, tries, of, delay } }) => {
    const [run] = rows.now(runs, { run: runOf({ address }).run })
    const [node] = rows.now(nodes, { run: runOf({ address }).run, part })
    const reason = `retry ${tries} of ${of}${node?.reason ? ` after: ${node.reason}` : ''}`
    const waits =
      run?.state === 'paused'
        ? ({ state: 'paused', reason } as const)
        : ({ state: 'queued', reason, dueAt: storedAt + delay } as const)
    turn(rows, { address }, part, waits, sequence)
  },

  'run.node-skipped': (rows, { address, sequence, data: { part, reason } }) =>
    turn(rows, { address }, part, { state: 'skipped', reason, dueAt: null }, sequence),

  'run.node-cancelled': (rows, { address, sequence, storedAt, data: { part, attempt, reason } }) => {
    const { run } = runOf({ address })
    const [node] = rows.now(nodes, { run, part })
    const endedAt = node?.startedAt && attempt > 0 ? storedAt : null
    turn(rows, { address }, part, { state: 'cancelled', reason, endedAt, dueAt: null }, sequence)
    rows.turn(
      attempts,
      { run, part, outcome: 'running' },
      { outcome: 'cancelled', reason, endedAt: storedAt },
      sequence,
    )
  },

  'run.report-ignored': (rows, { address, sequence, storedAt, data }) =>
    rows.add(ignored, { sequence, ...runOf({ address }), ...data, at: storedAt }),

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

/** Says of each node that waits what for, as something has changed; only of those behind `part` where one is given. */
const waitAnew = (rows: Rows, run: string, sequence: number, part?: string): void => {
  const all = rows.now(nodes, { run })
  const done = new Set(all.filter(({ state }) => state === 'succeeded').map((one) => one.part))
  for (const { part: waiting, after, state, kind, reason } of all) {
    if (state !== 'waiting' || (part !== undefined && !after.includes(part))) continue
    const now = waitOf(
      waiting,
      kind,
      after.filter((before) => !done.has(before)),
    )
    if (now !== reason) rows.turn(nodes, { run, part: waiting }, { reason: now }, sequence)
  }
}

const runOf = ({ address: { scope, key } }: Place): { readonly run: string; readonly pipeline: string } => ({
  run: `${scope}/${Number(key)}`,
  pipeline: scope,
})

const queue = (
  rows: Rows,
  place: Place,
  { part, attempt }: { readonly part: string; readonly attempt: number },
  sequence: number,
): void => turn(rows, place, part, { state: 'queued', reason: null, attempt, host: null, dueAt: null }, sequence)

const turn = (
  rows: Rows,
  place: Place,
  part: string,
  change: Partial<(typeof nodes)['$inferInsert']>,
  sequence: number,
): void => rows.turn(nodes, { run: runOf(place).run, part }, change, sequence)

const isExecuted = (kind: string): boolean => kind === 'action' || kind === 'unknown'
