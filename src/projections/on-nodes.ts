import type { RunEvent, ScheduledNode } from '#contracts/run'
import type { Handlers } from './projection.ts'
import type { Rows } from './rows.ts'
import { waitOf, whyAgain } from './run-reasons.ts'
import { attempts, ignored, nodes, runs } from './run-tables.ts'
import { hosts } from './tracking-tables.ts'

type Place = { readonly address: { readonly scope: string; readonly key: string } }

type NodeEvent = Extract<RunEvent, { type: `run.node-${string}` | 'run.report-ignored' }>

/** What happens to the nodes of runs. */
export const onNodes: Handlers<NodeEvent> = {
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
}

/** Says of each node that waits what for, as something has changed; only of those behind `part` where one is given. */
export const waitAnew = (rows: Rows, run: string, sequence: number, part?: string): void => {
  const waits = rows
    .now(nodes, { run, state: 'waiting' })
    .filter(({ after }) => part === undefined || after.includes(part))
  if (waits.length === 0) return
  const done = new Set(rows.now(nodes, { run, state: 'succeeded' }).map((one) => one.part))
  for (const { part: waiting, after, kind, reason } of waits) {
    const now = waitOf(
      waiting,
      kind,
      after.filter((before) => !done.has(before)),
    )
    if (now !== reason) rows.turn(nodes, { run, part: waiting }, { reason: now }, sequence)
  }
}

export const runOf = ({ address: { scope, key } }: Place): { readonly run: string; readonly pipeline: string } => ({
  run: `${scope}/${Number(key)}`,
  pipeline: scope,
})

const queue = (rows: Rows, place: Place, { part, attempt }: ScheduledNode, sequence: number): void =>
  turn(rows, place, part, { state: 'queued', reason: null, attempt, host: null, dueAt: null }, sequence)

const turn = (
  rows: Rows,
  place: Place,
  part: string,
  change: Partial<(typeof nodes)['$inferInsert']>,
  sequence: number,
): void => rows.turn(nodes, { run: runOf(place).run, part }, change, sequence)

export const isExecuted = (kind: string): boolean => kind === 'action' || kind === 'unknown'
