import Database from 'better-sqlite3'
import { Fault, reasonOf } from '#bus/fault'
import { unblocked } from './unblocked.ts'

/** Whether something failed only because another program holds a database at this moment. */
export const isHeld = (cause: unknown): boolean =>
  cause instanceof Database.SqliteError
    ? /^SQLITE_(BUSY|LOCKED)/.test(cause.code)
    : cause instanceof Fault && cause.code === 'projection.busy'

/** Does something with a database once no other program holds it; undefined where `signal` has aborted before. */
export const onceFree = async <T>(path: string, use: () => T, signal: AbortSignal, say: (line: string) => void) => {
  let done: { readonly with: T } | undefined
  const attempt = (): string | undefined => {
    try {
      done = { with: use() }
      return undefined
    } catch (cause) {
      if (isHeld(cause)) return reasonOf(cause)
      throw cause
    }
  }
  await unblocked(attempt, signal, (reason) => say(`${path} can't be opened for now: ${reason}`))
  return done as { readonly with: T } | undefined
}

/** What says nothing about an event, and passes: somebody else writes, the disk is full or fails, memory is short. */
export const passes = (cause: unknown): boolean =>
  cause instanceof Database.SqliteError &&
  /^SQLITE_(BUSY|LOCKED|FULL|IOERR|NOMEM|CANTOPEN|READONLY|PROTOCOL)/.test(cause.code)
