/** The rows that a script is given. */
export type { ArtifactRow, ArtifactTagRow, HappeningRow } from '#contracts/artifact-rows'
export type {
  GraphEdge,
  GraphNodeRow,
  Idle,
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
