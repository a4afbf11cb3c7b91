import { describe } from 'vitest'
import { keepsBytes } from './conformance-buckets.ts'
import { followsTheLog } from './conformance-follow.ts'
import { keepsALog } from './conformance-log.ts'
import { keepsOutput } from './conformance-output.ts'
import { carriesRequests, knowsWhoIsThere } from './conformance-requests.ts'
import { keepsTimers } from './conformance-timers.ts'
import { handsOutWork } from './conformance-work.ts'
import type { Open } from './samples.ts'

/** What every bus must do. A new one is ready when this passes, and not before. */
export const behavesLikeABus = (name: string, open: Open) =>
  describe(name, () => {
    keepsALog(open)
    followsTheLog(open)
    carriesRequests(open)
    knowsWhoIsThere(open)
    handsOutWork(open)
    keepsTimers(open)
    keepsOutput(open)
    keepsBytes(open)
  })
