import type { Recorded } from '#contracts/envelope'
import { aboutOf, type TrackingEvent } from '#contracts/tracking'
import type { Handlers } from './projection.ts'
import { metrics, params, tags } from './tracking-tables.ts'

/** What is measured and noted. */
export const onTracking: Handlers<TrackingEvent> = {
  'tracking.metric-logged': (rows, event) =>
    rows.add(metrics, { ...noted(event), value: event.data.value, step: event.data.step ?? null }),
  'tracking.param-logged': (rows, event) => rows.add(params, { ...noted(event), value: event.data.value }),
  'tracking.tagged': (rows, event) => rows.add(tags, { ...noted(event), value: event.data.value }),
}

/** Who noted it is said also where it is of another pipeline than his run's. */
const noted = (event: Recorded<string, TrackingEvent['data']>) => {
  const { sequence, principal, storedAt: at, data } = event
  const { part = null, attempt = null } = data.by ?? {}
  return { sequence, key: data.key, ...aboutOf(event), part, attempt, principal, at }
}
