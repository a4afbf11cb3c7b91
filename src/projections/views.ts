import { experimentLists } from './experiment-lists.ts'
import { graphView } from './graph-view.ts'
import { lists } from './lists.ts'
import { oneExperiment } from './one-experiment.ts'
import { oneRun } from './one-run.ts'
import { me, sites } from './portal-views.ts'
import { spans } from './spans.ts'
import { status } from './status.ts'
import type { View } from './view.ts'
import { usedBy, why } from './walk.ts'

/** Everything that can be read. HTTP and the bus serve the same: two borders, one registry. */
export const views = {
  ...lists,
  run: oneRun,
  spans,
  why,
  'used-by': usedBy,
  graph: graphView,
  status,
  ...experimentLists,
  experiment: oneExperiment,
  sites,
  me,
} as const satisfies Readonly<Record<string, View>>

export type ViewName = keyof typeof views
export const viewNames = Object.keys(views) as readonly ViewName[]
