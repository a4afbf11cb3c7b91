import { readFileSync } from 'node:fs'
import { env } from 'node:process'

/**
 * Imported before anything else, gives a process a wall clock that is ahead by as many milliseconds as a file says, now and
 * whenever that is written anew. What counts time by itself (timers, `performance.now`) goes on as it does on a machine whose
 * clock somebody sets.
 */
const RealDate = Date
const file = env.MILLRACE_TEST_CLOCK ?? ''
const readEvery = 20
let [ahead, readAt] = [0, Number.NEGATIVE_INFINITY]

const now = (): number => {
  if (performance.now() - readAt > readEvery) {
    readAt = performance.now()
    ahead = Number(readFileSync(file, 'utf8'))
  }
  return RealDate.now() + ahead
}

if (file)
  globalThis.Date = new Proxy(RealDate, {
    construct: (real, args, made) => Reflect.construct(real, args.length === 0 ? [now()] : args, made),
    apply: () => new RealDate(now()).toString(),
    get: (real, key) => (key === 'now' ? now : Reflect.get(real, key)),
  })
