import type { Batch, Bus } from '#bus/bus'
import { Fault, faults } from '#bus/fault'
import { takeLock } from '#bus/lock'
import type { Halt } from './apply.ts'
import { type Built, readAll, type Writer, writing } from './build.ts'
import { type FoundFile, inspect, openDatabase, replace, settle } from './database.ts'
import { progressOf } from './progress.ts'
import type { Projection } from './projection.ts'

export type FollowOptions = {
  readonly bus: Bus
  /** Where the database lies. */
  readonly path: string
  readonly projection: Projection
  readonly signal: AbortSignal
  readonly say?: (line: string) => void
}

/** Keeps one database at the head of the log. */
export type Follower = Pick<ReturnType<typeof progressOf>, 'now' | 'caughtUp' | 'waitFor' | 'onApplied'> & {
  readonly path: string
  readonly projection: Projection
  /** Reads the whole log afresh into another file, and puts it in place once it has caught up. */
  readonly rebuild: () => Promise<void>
  /** Resolves when `signal` has aborted and the database is closed; rejects when the bus broke. */
  readonly ended: Promise<void>
}

/**
 * Follows the log into a database. Resolves when there is one to be read. Where the file was made by another version, or
 * from another log, it goes on being read until the new one has caught up.
 */
export const follow = async (options: FollowOptions): Promise<Follower> => {
  const { bus, path, projection, signal, say = () => undefined } = options
  const { logId } = bus
  const found = inspect(path)
  if (found.is === 'missing') openDatabase(path, projection, logId).close()
  const lock = await takeLock(`${path}.lock`, `The projection ${path}`, say)
  const progress = progressOf(logId)
  let live: Writer | undefined
  /** Ends the present following, so that another database can take the place of this one. */
  let turn = new AbortController()
  let built: { readonly writer: Writer; readonly placed: () => void } | undefined
  let building: Promise<Built> | undefined

  const open = (file: string): Writer => writing(openDatabase(file, projection, logId), projection)

  const build = (): Promise<Built> => {
    building ??= readAll(bus, `${path}.rebuild`, projection, signal).finally(() => {
      building = undefined
    })
    return building
  }

  const place = ({ writer, placed }: NonNullable<typeof built>): void => {
    if (live) settle(live.db)
    settle(writer.db)
    replace(path, `${path}.rebuild`)
    live = open(path)
    say(`The projection ${path} is built anew, up to ${live.checkpoint().sequence}`)
    placed()
  }

  /** Follows until the turn ends. A halt ends the following, but not the turn: what is there goes on being read. */
  const followLive = async (writer: Writer, ending: AbortSignal): Promise<void> => {
    const halted = new AbortController()
    const take = (batch: Batch): void => {
      if (ending.aborted || halted.signal.aborted) return
      const from = writer.checkpoint().sequence
      const { events, halt } = writer.apply(batch)
      progress.applied(from, events, writer.checkpoint(), batch.pending)
      if (!halt) return
      stand(halt)
      halted.abort()
    }
    progress.begin(writer.checkpoint(), Math.max(0, (await bus.head()) - writer.checkpoint().sequence))
    await bus.follow(writer.checkpoint(), take, AbortSignal.any([ending, halted.signal]))
    if (halted.signal.aborted) await aborted(ending)
  }

  const stand = ({ event, reason }: Halt): void => {
    progress.halt(event, reason)
    say(faults.halted(event.position, event.type, reason).message)
  }

  /** Where the new one can't be built, the old one goes on being read. */
  const rebuildBecause = async (reason: string): Promise<void> => {
    say(`The projection ${path} is built anew: ${reason}`)
    progress.rebuilding()
    const { writer, halt } = await build()
    if (!halt) built = { writer, placed: () => undefined }
    else {
      stand(halt)
      await aborted(AbortSignal.any([signal, turn.signal]))
    }
  }

  const loop = async (): Promise<void> => {
    const outdated = outdatedBy(found, projection, logId)
    if (outdated) await rebuildBecause(outdated)
    while (!signal.aborted) {
      if (built) place(built)
      built = undefined
      live ??= open(path)
      turn = new AbortController()
      const ending = AbortSignal.any([signal, turn.signal])
      try {
        await followLive(live, ending)
        if (!ending.aborted) {
          const reason = await bus.closed
          if (reason) throw reason
          return
        }
      } catch (cause) {
        if (!(cause instanceof Fault && cause.code.startsWith('log.'))) throw cause
        await rebuildBecause(cause.message)
      }
    }
  }

  const rebuild = async (): Promise<void> => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const { writer, halt } = await build() // In the meantime the present database is followed and read.
    if (halt) throw faults.halted(halt.event.position, halt.event.type, halt.reason)
    if (built?.writer !== writer) built = { writer, placed: resolve }
    turn.abort()
    await Promise.race([promise, ended])
  }

  const ended = loop()
    .catch((cause: unknown) => {
      if (!signal.aborted) throw cause
    })
    .finally(async () => {
      progress.end()
      live?.db.close()
      await lock.release()
    })
  ended.catch(() => undefined)
  const { now, caughtUp, waitFor, onApplied } = progress
  return { now, caughtUp, waitFor, onApplied, path, projection, rebuild, ended }
}

const outdatedBy = (found: FoundFile, { name, version }: Projection, logId: string): string | undefined => {
  if (found.is === 'missing') return undefined
  if (found.name !== name || found.version !== version)
    return `it is ${found.name} ${found.version}, and this version keeps ${name} ${version}`
  return found.logId === logId ? undefined : `it was made from log ${found.logId}, and this is ${logId}`
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
