import type { PipelineRow } from '#client/pipelines'

type Standing = { readonly kind: string; readonly state: string }

/** How nodes stand, for people: of a store that is ready nothing is said, for it is not executed. */
export const standing = <Row extends Standing>(rows: readonly Row[]): readonly Row[] =>
  rows.map((row) => (row.state === 'succeeded' && row.kind !== 'action' ? { ...row, state: '' } : row))

/** Why a run that was asked for has not begun: its pipeline is paused, or its slots are held. */
export const whyQueued = (pipelines: readonly PipelineRow[], pipeline: string): string => {
  const found = pipelines.find((one) => one.pipeline === pipeline)
  return found?.state === 'paused'
    ? `queued while ${pipeline} is paused: ${found.reason}`
    : 'queued until a slot is free'
}
