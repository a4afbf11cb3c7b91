/** Why something is given up: somebody told this process to stop. */
export const stopped = new Error('Stopped')

/**
 * Aborts at the first SIGINT, SIGTERM or SIGHUP (the terminal was closed); a second one ends the process at once. A
 * terminal and a wrapper may both deliver the first: what comes within a moment of it is the same one.
 */
export const stopping = (): AbortSignal => {
  const controller = new AbortController()
  let since = 0
  const stop = () => {
    if (since === 0) since = performance.now()
    else if (performance.now() - since > 300) process.exit(130)
    controller.abort(stopped)
  }
  if (process.send) {
    // A child of `up`: the starter says when to stop, and what comes from the terminal is the starter's.
    process.on('SIGINT', () => undefined)
    process.on('SIGHUP', () => undefined)
    process.on('disconnect', () => controller.abort(stopped)) // It goes with the first signal, and never is a second one.
  } else {
    process.on('SIGINT', stop)
    process.on('SIGHUP', stop)
  }
  process.on('SIGTERM', stop)
  return controller.signal
}
