import { randomUUID } from 'node:crypto'
import type { Bus } from './bus.ts'
import { memoryBuckets } from './memory-buckets.ts'
import { memoryLog } from './memory-log.ts'
import { memoryOutput } from './memory-output.ts'
import { memoryRequests } from './memory-requests.ts'
import { memoryWork } from './memory-work.ts'

export type MemoryOptions = {
  readonly logId?: string
  /** How long a delivery may go without a sign of life before it is delivered again, in milliseconds. */
  readonly lease?: number
}

/** A bus that lives in this process, for tests: any number of connections, each with a principal, onto one memory. */
export const memoryHub = ({ logId = randomUUID(), lease = 30_000 }: MemoryOptions = {}) => {
  const log = memoryLog(logId)
  const work = memoryWork(lease)
  const output = memoryOutput()
  const requests = memoryRequests()
  const buckets = memoryBuckets()

  const connect = (principal: string): Bus => {
    const ended = new AbortController()
    const { promise: closed, resolve } = Promise.withResolvers<Error | undefined>()
    const until = (signal: AbortSignal) => AbortSignal.any([signal, ended.signal])
    return {
      logId,
      principal,
      ...log,
      ...work,
      ...output,
      ...requests,
      follow: (after, handle, signal, only) => log.follow(after, handle, until(signal), only),
      react: (name, handle, signal) => log.react(name, handle, until(signal)),
      serve: (subject, answer, signal) => requests.serve(subject, answer, until(signal)),
      take: (where, agent, handle, options) =>
        work.take(where, agent, handle, { ...options, signal: until(options.signal) }),
      printed: (of, handle, options) => output.printed(of, handle, { ...options, signal: until(options.signal) }),
      timers: (where, handle, signal) => work.timers(where, handle, until(signal)),
      appear: (presence, signal, disks) => requests.appear(presence, until(signal), disks),
      buckets,
      examine: async () => ({
        version: 'memory',
        floor: '',
        storage: undefined,
        write: { stored: true, took: 0, ahead: 0 },
      }),
      closed,
      connected: () => !ended.signal.aborted,
      close: async () => {
        ended.abort()
        resolve(undefined)
      },
    }
  }
  return { logId, connect }
}

/** A bus of its own for one test. */
export const memoryBus = (options?: MemoryOptions & { readonly principal?: string }): Bus =>
  memoryHub(options).connect(options?.principal ?? 'test')
