import { onArtifacts } from './on-artifacts.ts'
import { onExperiments } from './on-experiments.ts'
import { onHosts, onPipelines } from './on-pipelines.ts'
import { onPortal } from './on-portal.ts'
import { onRuns } from './on-runs.ts'
import { onTracking } from './on-tracking.ts'
import { projection } from './projection.ts'
import { hashRuns } from './run-hash.ts'

/** Everything that can be read: of pipelines, runs, nodes, artifacts and what led to what; of experiments, and who is who. */
export const metadata = projection({
  name: 'metadata',
  version: 8,
  readsBy: ['history_range'],
  complete: hashRuns,
  doubt: ({ address: { aggregate, key } }) =>
    aggregate === 'run' && !/^\d{1,15}$/.test(key) ? `'${key}' is no number of a run` : undefined,
  on: { ...onPipelines, ...onRuns, ...onArtifacts, ...onTracking, ...onHosts, ...onExperiments, ...onPortal },
})
