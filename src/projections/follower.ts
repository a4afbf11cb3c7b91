import { aborted } from '#bus/abort'
import type { Batch, Bus } from '#bus/bus'
import { Fault, faults, reasonOf } from '#bus/fault'
import type { Halt } from './apply.ts'
import { readAll, type Writer, writing } from './build.ts'
import { claim, type FoundFile, inspect, openDatabase, outdatedBy, replace, settle, watchFile } from './database.ts'
import { onceFree, passes } from './held.ts'
import { progressOf } from './progress.ts'
import type { Projection } from './projection.ts'
import { endOf, unblocked } from './unblocked.ts'

/** How often it is looked whether the database still lies at its path, in milliseconds. */
const lookedAt = 1_000

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
  const { lock, found } = await claim({ path, projection, logId, signal, say })
  const progress = progressOf(logId)
  let live: Writer | undefined
  /** Ends the present following, so that another database can take the place of this one. */
  let turn = new AbortController()
  let built: { readonly writer: Writer; readonly placed: () => void } | undefined
  let renewal: Promise<Halt | undefined> | undefined

  const open = (file: string): Writer => writing(openDatabase(file, projection, logId), projection)

  /**
   * Builds a new database and has it placed. One at a time, from its first event until it lies in its place: whoever asks in
   * the meantime is answered with the same. Gives why it could not be built, if an event was the reason.
   */
  const renew = (): Promise<Halt | undefined> => {
    renewal ??= anew().finally(() => {
      renewal = undefined
    })
    return renewal
  }
  const anew = async (): Promise<Halt | undefined> => {
    const { writer, halt } = await readAll(bus, `${path}.rebuild`, projection, signal, say)
    if (halt) return halt
    const { promise: done, resolve } = Promise.withResolvers<void>()
    built = { writer, placed: resolve }
    turn.abort()
    const unplaced = ended.then(() => Promise.reject(faults.closed(`rebuild ${path}`)))
    await Promise.race([done, unplaced])
    return undefined
  }

  /** Puts what was built in the place of what is there, once the disk lets it. */
  const place = async ({ writer, placed }: NonNullable<typeof built>): Promise<void> => {
    let isPlaced = false
    const attempt = (): string | undefined => {
      try {
        if (live) settle(live.db)
        live = undefined
        settle(writer.db)
        replace(path, `${path}.rebuild`)
        isPlaced = true
        return undefined
      } catch (cause) {
        if (passes(cause)) return reasonOf(cause)
        throw cause
      }
    }
    await unblocked(attempt, signal, (reason) => say(`${path} can't be replaced for now: ${reason}`))
    if (!isPlaced) return
    built = undefined
    say(`The projection ${path} is built anew, up to ${writer.checkpoint().sequence}`)
    placed()
  }

  /**
   * Follows until the turn ends, or until the file is no longer the one that lies at its path. A halt ends the following,
   * but not the turn: what is there goes on being read.
   */
  const followLive = async (writer: Writer, ending: AbortSignal): Promise<'ended' | 'lost'> => {
    const halted = new AbortController()
    const watch = watchFile(path, lookedAt)
    const over = AbortSignal.any([ending, watch.lost])
    const apply = (batch: Batch): string | undefined => {
      const from = writer.checkpoint().sequence
      const { events, halt, blocked } = writer.apply(batch)
      const left = blocked === undefined ? 0 : batch.upTo - writer.checkpoint().sequence
      progress.applied(from, events, writer.checkpoint(), batch.pending + left)
      if (halt) {
        stand(halt)
        halted.abort()
      }
      return blocked
    }
    const take = async (batch: Batch): Promise<void> => {
      if (over.aborted || halted.signal.aborted) return
      await unblocked(
        () => apply(batch),
        over,
        (reason) => {
          progress.blocked()
          say(`The projection ${path} can't be written for now: ${reason}`)
        },
      )
    }
    try {
      progress.reached(writer.checkpoint())
      const end = await endOf(bus, over, (reason) => say(`The log can't be followed for now: ${reason}`))
      if (end !== undefined) {
        progress.begin(writer.checkpoint(), Math.max(0, end - writer.checkpoint().sequence))
        await bus.follow(writer.checkpoint(), take, AbortSignal.any([over, halted.signal]))
      }
      if (halted.signal.aborted) await aborted(over)
    } finally {
      watch.end()
    }
    return watch.lost.aborted ? 'lost' : 'ended'
  }

  const stand = ({ event, reason }: Halt): void => {
    progress.halt(event, reason)
    say(faults.halted(event.position, event.type, reason).message)
  }

  /** Where the new one can't be built, the old one goes on being read. */
  const rebuildBecause = async (reason: string): Promise<void> => {
    if (built) return // Somebody has asked for one before, and it only waits for its place.
    say(`The projection ${path} is built anew: ${reason}`)
    progress.rebuilding()
    turn = new AbortController()
    const over = AbortSignal.any([signal, turn.signal])
    const halt = await Promise.race([renew(), aborted(over)])
    if (!halt) return
    stand(halt)
    await aborted(over)
  }

  /** Somebody has removed the file, or put another one there: one of ours is followed into, all else is built anew. */
  const afterLoss = async (): Promise<void> => {
    live?.db.close()
    live = undefined
    const looked = await onceFree(path, () => inspect(path), signal, say)
    if (!looked || built) return
    const found = looked.with
    const reason = found.is === 'missing' ? 'its file is gone' : outdatedBy(found, projection, logId)
    if (reason) await rebuildBecause(reason)
  }

  const loop = async (found: FoundFile): Promise<void> => {
    const outdated = outdatedBy(found, projection, logId)
    if (outdated) await rebuildBecause(outdated)
    while (!signal.aborted) {
      if (built) await place(built)
      live ??= (await onceFree(path, () => open(path), signal, say))?.with
      if (!live || built) continue // It has ended, or there is something newer.
      turn = new AbortController()
      const ending = AbortSignal.any([signal, turn.signal])
      try {
        if ((await followLive(live, ending)) === 'lost') await afterLoss()
        else if (!ending.aborted) {
          const reason = await bus.closed
          if (reason) throw reason
          return
        }
      } catch (cause) {
        // Another log under this connection: only a new one can tell its positions apart.
        if (!(cause instanceof Fault && cause.code.startsWith('log.')) || cause.code === 'log.other') throw cause
        await rebuildBecause(cause.message)
      }
    }
  }

  const rebuild = async (): Promise<void> => {
    const halt = await renew() // In the meantime the present database is followed and read.
    if (halt) throw faults.halted(halt.event.position, halt.event.type, halt.reason)
  }

  const ended = loop(found)
    .catch((cause: unknown) => {
      if (!signal.aborted) throw cause
    })
    .finally(async () => {
      progress.end()
      live?.db.close()
      built?.writer.db.close()
      await lock.release()
    })
  ended.catch(() => undefined)
  const { now, caughtUp, waitFor, onApplied } = progress
  return { now, caughtUp, waitFor, onApplied, path, projection, rebuild, ended }
}
