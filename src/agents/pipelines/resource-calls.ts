import type { ChildProcess } from 'node:child_process'
import { Fault, faults } from '#bus/fault'
import { signalGroup } from '../group.ts'
import type { Item } from './resource.ts'
import type { FromResource, ToResource } from './resource-messages.ts'

/** How long a resource that was given up may take to hear that, in milliseconds. */
const grace = 5_000

/** What is asked, without the number of its call. */
export type Asked = Without<Extract<ToResource, { kind: 'list' | 'read' | 'write' }>>
type Without<One> = One extends unknown ? Omit<One, 'call'> : never

export type Doing = {
  readonly stop: AbortSignal
  /** How long there may be no sign of life, in milliseconds. */
  readonly silence: number
  /** Told of each part of a list. */
  readonly items?: (items: readonly Item[]) => void
}

type Call = { readonly hear: (message: FromResource) => void; readonly fail: (cause: unknown) => void }

/**
 * What is being asked of a resource's process: each call ends, whatever the process does. By the time one is given up, the
 * process has heard it, or has ended: the next call finds one that answers.
 */
export const openCalls = (part: string) => {
  const calls = new Map<number, Call>()
  let asked = 0

  /** Asks for one thing, and resolves once it is done. */
  const ask = (process: ChildProcess, about: Asked, { stop, silence, items }: Doing): Promise<void> => {
    const call = ++asked
    const tell = (message: ToResource) => process.connected && process.send(message, () => undefined)
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    let [timer, last]: (NodeJS.Timeout | undefined)[] = []
    let why: { readonly cause: unknown } | undefined
    /** It is told to stop. What does not hear that either is ended, and whatever else it was doing with it. */
    const giveUp = (cause: unknown): void => {
      clearTimeout(timer)
      why ??= { cause }
      tell({ kind: 'abort', call })
      last ??= setTimeout(() => process.pid && signalGroup(process.pid, 'SIGKILL'), grace).unref()
    }
    const wait = (): void => {
      clearTimeout(timer)
      const silent = () => giveUp(faults.resourceSilent(part, wordsFor(about), Math.round(silence / 1_000)))
      timer = setTimeout(silent, silence)
    }
    const over = (cause?: unknown): void => {
      for (const one of [timer, last]) clearTimeout(one)
      calls.delete(call)
      if (why) reject(why.cause)
      else if (cause === undefined) resolve()
      else reject(cause)
    }
    const hear = (message: FromResource): void => {
      if (message.kind === 'done') over()
      else if (message.kind === 'failed')
        over(message.readOnly ? faults.readOnly(part) : faults.resourceFailed(part, message.reason))
      else if (!last) {
        wait()
        if (message.kind === 'items') take(message.items)
      }
    }
    const take = (some: readonly unknown[]): void => {
      try {
        items?.(some.map(itemFrom))
        tell({ kind: 'more', call })
      } catch (cause) {
        giveUp(cause)
      }
    }
    calls.set(call, { hear, fail: over })
    const stopped = () => {
      giveUp(stop.reason)
      reject(stop.reason)
    }
    stop.addEventListener('abort', stopped, { once: true })
    wait()
    if (stop.aborted) stopped()
    else tell({ ...about, call })
    return promise.finally(() => stop.removeEventListener('abort', stopped))
  }

  return {
    ask,
    hear: (message: FromResource): void => calls.get(message.call)?.hear(message),
    /** The process has ended, and answers nothing more. */
    failAll: (cause: unknown): void => {
      for (const { fail } of [...calls.values()]) fail(cause)
    },
  }
}

const wordsFor = (about: Asked): string => {
  switch (about.kind) {
    case 'list':
      return 'list'
    case 'read':
      return `read ${about.item.path}`
    case 'write':
      return `write ${about.path}`
  }
}

/** What a resource listed, held against what can be listed. */
const itemFrom = (given: unknown): Item => {
  const { path, version, size } = given as Readonly<Record<string, unknown>>
  const isSize = size === undefined || (Number.isSafeInteger(size) && Number(size) >= 0)
  if (typeof path === 'string' && typeof version === 'string' && version.length <= 1_024 && isSize)
    return { path, version, ...(size !== undefined && { size: Number(size) }) }
  const found = JSON.stringify({ path, version, size }).slice(0, 200)
  throw new Fault('resource.failed', `It lists what is no { path, version, size? }, both of them texts: ${found}`)
}
