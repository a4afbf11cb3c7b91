import { type Connection, connect } from './ssh-connection.ts'
import { reachedBy, type SshSettings } from './ssh-settings.ts'

/**
 * Keeps one connection for all that use it at once or soon after one another, and makes a new one where it broke. It is closed when
 * nobody has used it for `keptFor` seconds, so that a process can end. Nobody who uses it is asked twice: what a broken connection
 * interrupted is for its caller to repeat.
 */
export const keepConnection = (settings: SshSettings, noticedWithin: number, keptFor: number) => {
  let kept: Promise<Connection> | undefined
  let users = 0
  let idle: NodeJS.Timeout | undefined

  const opened = (): Promise<Connection> => {
    if (kept) return kept
    const opening = reachedBy(settings).then((reached) => connect(reached, noticedWithin))
    kept = opening
    const forget = () => {
      if (kept === opening) kept = undefined
    }
    opening.then(({ closed }) => closed.then(forget), forget)
    return opening
  }

  /** Ends the connection if there is one, and resolves when it has ended. */
  const close = async (): Promise<void> => {
    clearTimeout(idle)
    const opening = kept
    kept = undefined
    const connection = await opening?.catch(() => undefined)
    connection?.client.end()
    const patience = setTimeout(() => connection?.client.destroy(), 2_000)
    await connection?.closed
    clearTimeout(patience)
  }

  /** Hands the connection to `task`. Rejects where there can be none, and as soon as `signal` aborts before there is one. */
  const use = async <T>(signal: AbortSignal, task: (connection: Connection) => Promise<T>): Promise<T> => {
    signal.throwIfAborted()
    users++
    clearTimeout(idle)
    try {
      return await task(await unlessAborted(opened(), signal))
    } finally {
      users--
      if (users === 0 && kept) idle = setTimeout(() => void close(), keptFor * 1000).unref() // The connection keeps the process.
    }
  }
  return { use, close }
}

const unlessAborted = async <T>(promise: Promise<T>, signal: AbortSignal): Promise<T> => {
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const abort = () => reject(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  return Promise.race([promise, aborted]).finally(() => signal.removeEventListener('abort', abort))
}
