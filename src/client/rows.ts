/** The rows that a script is given. */
export type { ArtifactRow, ArtifactTagRow, HappeningRow } from '#contracts/artifact-rows'
export type { Idle } from '#contracts/host'
export type {
  GraphEdge,
  GraphNodeRow,
  MetricRow,
  NodeRow,
  NodeState,
  ParamRow,
  PauseRow,
  RequestRow,
  RunRow,
  RunState,
  TagRow,
} from '#contracts/rows'
