import { onArtifacts } from './on-artifacts.ts'
import { onHosts, onPipelines } from './on-pipelines.ts'
import { onRuns } from './on-runs.ts'
import { onTracking } from './on-tracking.ts'
import { projection } from './projection.ts'
import { hashRuns } from './run-hash.ts'

/** Everything about pipelines that can be read: runs, nodes, artifacts, what was measured, what led to what. */
export const metadata = projection({
  name: 'metadata',
  version: 7,
  readsBy: ['history_range'],
  complete: hashRuns,
  doubt: ({ address: { aggregate, key } }) =>
    aggregate === 'run' && !/^\d{1,15}$/.test(key) ? `'${key}' is no number of a run` : undefined,
  on: { ...onPipelines, ...onRuns, ...onArtifacts, ...onTracking, ...onHosts },
})
