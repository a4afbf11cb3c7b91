import type { HostEvent } from '#contracts/host'
import { sequenceOf } from '#contracts/names'
import type { PipelineEvent } from '#contracts/pipeline'
import { offered } from './on-artifacts.ts'
import { onDefined } from './on-runs.ts'
import type { Handlers } from './projection.ts'
import { graphs, offers, requests, triggers } from './run-tables.ts'
import { hosts } from './tracking-tables.ts'

/** What spans runs: definitions, what was asked for, what was offered. */
export const onPipelines: Handlers<PipelineEvent> = {
  'pipeline.defined': (rows, { sequence, storedAt, data: { version, digest, graph } }) => {
    rows.put(graphs, { pipeline: graph.pipeline }, { version, digest, graph, at: storedAt }, sequence)
    for (const { name, kind } of graph.nodes) onDefined(rows, `${graph.pipeline}/${name}`, kind, sequence)
  },

  'pipeline.run-requested': (rows, { address, sequence, storedAt, principal, data: { request, message } }) =>
    rows.put(
      requests,
      { request },
      { pipeline: address.scope, message, state: 'queued', principal, began: sequence, at: storedAt },
      sequence,
    ),

  'pipeline.run-planned': (rows, event) => {
    const { address, sequence, storedAt, data } = event
    const { kind, message, request } = data.trigger
    const place = { sequence, pipeline: address.scope, run: `${address.scope}/${data.run}` }
    rows.add(triggers, { ...place, kind, message, request: request ?? null, graph: data.graph, at: storedAt })
    if (request) rows.turn(requests, { request }, { state: 'answered', run: place.run }, sequence)
    for (const { resource, count, ...range } of data.offers) {
      const [after, upTo] = [sequenceOf(range.after), sequenceOf(range.upTo)]
      rows.add(offers, { ...place, resource, count, after, upTo })
      offered(rows, event, place.run, { store: resource, after, upTo })
    }
  },
}

/** What happens to hosts. */
export const onHosts: Handlers<HostEvent> = {
  'host.started': (rows, { sequence, storedAt, data: { host, ...started } }) =>
    rows.put(hosts, { host }, { ...started, state: 'started', startedAt: storedAt }, sequence),

  'host.stopped': (rows, { sequence, storedAt, data: { host, instance } }) =>
    rows.turn(hosts, { host, instance }, { state: 'stopped', endedAt: storedAt }, sequence),
}
