import { expectTypeOf, test } from 'vitest'
import type * as artifact from '#contracts/artifact-rows'
import type * as row from '#contracts/rows'
import type { artifacts, artifactTags, history } from '#projections/artifact-tables'
import type { ShownNode } from '#projections/graph-view'
import type { pauses, requests } from '#projections/pipeline-tables'
import type { attempts, nodes, runs, triggers } from '#projections/run-tables'
import type { ShownSpan } from '#projections/spans'
import type { hosts, metrics, params, tags } from '#projections/tracking-tables'
import type { ShownLineage } from '#projections/walk'

type Position = 'since' | 'until' | 'after' | 'upTo'
type Moment = 'at' | `${string}At`

/** A row of a table as whoever asks gets it: see `shown` of the projection. */
type Shown<Row> = {
  readonly [Column in keyof Row as Column extends 'began'
    ? never
    : Column extends 'sequence'
      ? 'position'
      : Column]: Column extends 'sequence' ? string : Column extends Position | Moment ? Text<Row[Column]> : Row[Column]
}

/** A number that is told as a text; what is no number is told as it is. */
type Text<Value> = Value extends number ? string : Value

test('what is agreed of rows is what the projection gives, though that may give more', () => {
  expectTypeOf<Shown<(typeof runs)['$inferSelect']>>().toExtend<row.RunRow>()
  expectTypeOf<Shown<(typeof nodes)['$inferSelect']>>().toExtend<row.NodeRow>()
  expectTypeOf<Shown<(typeof attempts)['$inferSelect']>>().toExtend<row.AttemptRow>()
  expectTypeOf<Shown<(typeof triggers)['$inferSelect']>>().toExtend<row.TriggerRow>()
  expectTypeOf<Shown<(typeof requests)['$inferSelect']>>().toExtend<row.RequestRow>()
  expectTypeOf<Shown<(typeof pauses)['$inferSelect']>>().toExtend<row.PauseRow>()
  expectTypeOf<Shown<(typeof artifacts)['$inferSelect']>>().toExtend<artifact.ArtifactRow>()
  expectTypeOf<Shown<(typeof history)['$inferSelect']>>().toExtend<artifact.HappeningRow>()
  expectTypeOf<Shown<(typeof artifactTags)['$inferSelect']>>().toExtend<artifact.ArtifactTagRow>()
  expectTypeOf<Shown<(typeof metrics)['$inferSelect']>>().toExtend<row.MetricRow>()
  expectTypeOf<Shown<(typeof params)['$inferSelect']>>().toExtend<row.ParamRow>()
  expectTypeOf<Shown<(typeof tags)['$inferSelect']>>().toExtend<row.TagRow>()
  expectTypeOf<Shown<(typeof hosts)['$inferSelect']>>().toExtend<row.HostRow>()
  expectTypeOf<ShownSpan>().toExtend<row.SpanRow>()
  expectTypeOf<ShownLineage>().toExtend<artifact.Lineage>()
  expectTypeOf<ShownNode>().toExtend<row.GraphNodeRow>()
})
