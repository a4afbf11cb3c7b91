import { digest } from '#contracts/names'
import { artifacts, artifactTags, edges, history } from './artifact-tables.ts'
import { atPath, inPipeline, inRun, is, ofAnyNode, ofNode, ofPipeline, ofRun, ofStore, oneOf } from './filters.ts'
import { listed } from './listed.ts'
import { rejected } from './log-tables.ts'
import { graphs, pauses, requests, waits } from './pipeline-tables.ts'
import { attempts, ignored, nodes, offers, runs, triggers } from './run-tables.ts'
import { hosts, metrics, params, tags } from './tracking-tables.ts'

const noted = (table: typeof metrics | typeof params | typeof tags, description: string) =>
  listed({
    table,
    description,
    order: [table.sequence],
    moment: table.at,
    scoped: true,
    filters: {
      key: is(table.key),
      pipeline: ofPipeline(table.pipeline),
      run: ofRun(table.run),
      node: ofNode(table.part),
    },
  })

/** Every table that can be listed. */
export const lists = {
  runs: listed({
    table: runs,
    description: 'Runs, newest first',
    order: [runs.began],
    newestFirst: true,
    moment: runs.startedAt,
    scoped: true,
    filters: {
      pipeline: ofPipeline(runs.pipeline),
      run: ofRun(runs.run),
      state: oneOf(runs.state),
      trigger: is(runs.trigger),
    },
  }),
  nodes: listed({
    table: nodes,
    description: 'Nodes as each run sees them, newest run first; as the log has them, whoever is there',
    order: [nodes.began, nodes.part],
    newestFirst: true,
    moment: nodes.startedAt,
    scoped: true,
    filters: {
      pipeline: ofPipeline(nodes.pipeline),
      run: ofRun(nodes.run),
      node: ofNode(nodes.part),
      state: oneOf(nodes.state),
      host: is(nodes.host),
    },
  }),
  attempts: listed({
    table: attempts,
    description: 'Executions of nodes, newest first',
    order: [attempts.began],
    newestFirst: true,
    moment: attempts.startedAt,
    scoped: true,
    filters: {
      pipeline: ofPipeline(attempts.pipeline),
      run: ofRun(attempts.run),
      node: ofNode(attempts.part),
      outcome: oneOf(attempts.outcome),
      host: is(attempts.host),
    },
  }),
  ignored: listed({
    table: ignored,
    description: 'Reports that came too late and changed nothing, newest first',
    order: [ignored.sequence],
    newestFirst: true,
    moment: ignored.at,
    scoped: true,
    filters: { pipeline: ofPipeline(ignored.pipeline), run: ofRun(ignored.run), node: ofNode(ignored.part) },
  }),
  triggers: listed({
    table: triggers,
    description: 'Why each run was started, newest first',
    order: [triggers.sequence],
    newestFirst: true,
    moment: triggers.at,
    scoped: true,
    filters: { pipeline: ofPipeline(triggers.pipeline), run: ofRun(triggers.run), kind: is(triggers.kind) },
  }),
  requests: listed({
    table: requests,
    description: 'Runs that somebody asked for, newest first',
    order: [requests.began],
    newestFirst: true,
    moment: requests.at,
    scoped: true,
    filters: { pipeline: ofPipeline(requests.pipeline), state: oneOf(requests.state) },
  }),
  pauses: listed({
    table: pauses,
    description: 'Pipelines that are, or once were, held back',
    order: [pauses.pipeline],
    moment: pauses.at,
    filters: { pipeline: ofPipeline(pauses.pipeline), state: oneOf(pauses.state) },
  }),
  waits: listed({
    table: waits,
    description: 'Why what has arrived at a node is not enough for a run',
    order: [waits.pipeline, waits.part],
    moment: waits.at,
    filters: { pipeline: ofPipeline(waits.pipeline), node: ofNode(waits.part) },
  }),
  offers: listed({
    table: offers,
    description: 'The range of each store that each run was offered, newest first',
    order: [offers.sequence, offers.resource],
    newestFirst: true,
    scoped: true,
    filters: { pipeline: ofPipeline(offers.pipeline), run: ofRun(offers.run), node: ofNode(offers.resource) },
  }),
  graphs: listed({
    table: graphs,
    description: 'Definitions of pipelines',
    order: [graphs.pipeline],
    moment: graphs.at,
    filters: { pipeline: ofPipeline(graphs.pipeline) },
  }),
  artifacts: listed({
    table: artifacts,
    description: 'Artifacts as they lie in their stores, by path or, sorted by time, newest first',
    order: [artifacts.store, artifacts.path],
    byTime: [artifacts.since, artifacts.store, artifacts.path],
    moment: artifacts.at,
    filters: {
      pipeline: inPipeline(artifacts.store),
      node: ofStore(artifacts.store),
      run: inRun(artifacts.run),
      state: oneOf(artifacts.state),
      path: atPath(artifacts.path),
      digest: is(artifacts.digest, digest),
    },
  }),
  history: listed({
    table: history,
    description: 'Everything that happened to artifacts, oldest first',
    order: [history.sequence, history.store, history.path],
    moment: history.at,
    filters: {
      pipeline: inPipeline(history.store),
      node: ofAnyNode(history.store, history.part, history.peer),
      run: inRun(history.run),
      what: oneOf(history.what),
      path: atPath(history.path),
      digest: is(history.digest, digest),
    },
  }),
  'artifact-tags': listed({
    table: artifactTags,
    description: 'What was said about artifacts, oldest first',
    order: [artifactTags.sequence, artifactTags.key],
    moment: artifactTags.at,
    filters: {
      pipeline: inPipeline(artifactTags.store),
      node: ofStore(artifactTags.store),
      path: atPath(artifactTags.path),
      digest: is(artifactTags.digest, digest),
      key: is(artifactTags.key),
      value: is(artifactTags.value),
    },
  }),
  edges: listed({
    table: edges,
    description: 'Lineage, edge by edge, oldest first',
    order: [edges.sequence, edges.source, edges.target],
    filters: {
      run: inRun(edges.run),
      node: ofNode(edges.part),
      kind: oneOf(edges.kind),
      source: is(edges.source),
      target: is(edges.target),
    },
  }),
  metrics: noted(metrics, 'Numbers that were measured, oldest first'),
  params: noted(params, 'Settings that were noted, oldest first'),
  tags: noted(tags, 'Tags of runs, oldest first'),
  hosts: listed({
    table: hosts,
    description: 'Processes that took their name',
    order: [hosts.host],
    moment: hosts.startedAt,
    filters: { host: is(hosts.host), state: oneOf(hosts.state) },
  }),
  rejected: listed({
    table: rejected,
    description: 'Events that did not keep their contract, oldest first',
    order: [rejected.sequence],
    moment: rejected.at,
    filters: { type: is(rejected.type) },
  }),
}
