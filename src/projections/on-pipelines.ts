import type { Recorded } from '#contracts/envelope'
import type { HostEvent } from '#contracts/host'
import { sequenceOf } from '#contracts/names'
import type { PipelineEvent } from '#contracts/pipeline'
import { offered } from './on-artifacts.ts'
import { graphs, pauses, requests, waits } from './pipeline-tables.ts'
import type { Handlers } from './projection.ts'
import type { Rows } from './rows.ts'
import { offers, triggers } from './run-tables.ts'
import { hosts } from './tracking-tables.ts'

/** What spans runs: definitions, what was asked for, what was offered. */
export const onPipelines: Handlers<PipelineEvent> = {
  'pipeline.defined': (rows, { sequence, storedAt, data: { version, digest, graph } }) => {
    rows.put(graphs, { pipeline: graph.pipeline }, { version, digest, graph, at: storedAt }, sequence)
  },

  'pipeline.run-requested': (rows, { address, sequence, storedAt, principal, data }) => {
    const { request, message, metric = null, rerun = null } = data
    const about = { pipeline: address.scope, message, metric, rerun, principal }
    rows.put(requests, { request }, { ...about, state: 'queued', began: sequence, at: storedAt }, sequence)
  },

  'pipeline.request-dropped': (rows, { sequence, data: { request, reason } }) =>
    rows.turn(requests, { request }, { state: 'dropped', reason }, sequence),

  'pipeline.run-planned': (rows, event) => {
    const { address, sequence, storedAt, data } = event
    const { kind, message, request, metric = null, rerun = null } = data.trigger
    const place = { sequence, pipeline: address.scope, run: `${address.scope}/${data.run}` }
    const why = { kind, message, request: request ?? null, metric, rerun }
    rows.add(triggers, { ...place, ...why, graph: data.graph, at: storedAt })
    if (request) rows.turn(requests, { request }, { state: 'answered', run: place.run }, sequence)
    waitFor(rows, event, {})
    for (const { resource, count, ...range } of data.offers) {
      const [after, upTo] = [sequenceOf(range.after), sequenceOf(range.upTo)]
      rows.add(offers, { ...place, resource, count, after, upTo })
      offered(rows, event, place.run, { store: resource, after, upTo })
    }
  },

  'pipeline.paused': (rows, event) => pause(rows, event, 'paused', event.data.reason),
  'pipeline.resumed': (rows, event) => pause(rows, event, 'resumed', null),
  'pipeline.waits': (rows, event) => waitFor(rows, event, event.data.reasons),
}

type State = (typeof pauses)['$inferInsert']['state']

const pause = (rows: Rows, event: Recorded, state: State, reason: string | null): void => {
  const { address, sequence, storedAt: at, principal } = event
  rows.put(pauses, { pipeline: address.scope }, { state, reason, principal, at }, sequence)
}

/** Why what has arrived is not enough, by node: what is not among these reasons any longer waits for nothing more. */
const waitFor = (rows: Rows, event: Recorded, reasons: Readonly<Record<string, string>>): void => {
  const { address, sequence, storedAt: at } = event
  const pipeline = address.scope
  for (const { part, reason } of rows.now(waits, { pipeline }))
    if (reason !== null && reasons[part] === undefined)
      rows.turn(waits, { pipeline, part }, { reason: null, at }, sequence)
  for (const [part, reason] of Object.entries(reasons)) {
    const [now] = rows.now(waits, { pipeline, part })
    if (now?.reason !== reason) rows.put(waits, { pipeline, part }, { reason, at }, sequence)
  }
}

/** What happens to hosts. */
export const onHosts: Handlers<HostEvent> = {
  'host.started': (rows, { sequence, storedAt, data: { host, ...started } }) =>
    rows.put(hosts, { host }, { ...started, state: 'started', startedAt: storedAt }, sequence),

  'host.stopped': (rows, { sequence, storedAt, data: { host, instance } }) =>
    rows.turn(hosts, { host, instance }, { state: 'stopped', endedAt: storedAt }, sequence),
}
