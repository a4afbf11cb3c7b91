import type { By } from '#contracts/artifact'
import type { Recorded } from '#contracts/envelope'
import type { TrackingEvent } from '#contracts/tracking'
import type { Handlers } from './projection.ts'
import { metrics, params, tags } from './tracking-tables.ts'

/** What is measured and noted. */
export const onTracking: Handlers<TrackingEvent> = {
  'tracking.metric-logged': (rows, event) =>
    rows.add(metrics, { ...noted(event), value: event.data.value, step: event.data.step ?? null }),
  'tracking.param-logged': (rows, event) => rows.add(params, { ...noted(event), value: event.data.value }),
  'tracking.tagged': (rows, event) => rows.add(tags, { ...noted(event), value: event.data.value }),
}

type Noted = { readonly key: string; readonly run?: string | undefined; readonly by?: By | undefined }

/** It belongs to the pipeline of its run; without a run, to the one that it was posted to. */
const noted = ({ sequence, address, principal, storedAt: at, data }: Recorded<string, Noted>) => {
  const run = data.run ?? data.by?.run ?? null
  const { part = null, attempt = null } = data.by ?? {}
  return { sequence, key: data.key, pipeline: run?.split('/')[0] ?? address.scope, run, part, attempt, principal, at }
}
