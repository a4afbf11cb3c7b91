/**
 * Aborts at the first SIGINT or SIGTERM; a second one ends the process at once. A terminal and a wrapper may both deliver
 * the first: what comes within a moment of it is the same one.
 */
export const stopping = (): AbortSignal => {
  const controller = new AbortController()
  let since = 0
  const stop = () => {
    if (since === 0) since = performance.now()
    else if (performance.now() - since > 300) process.exit(130)
    controller.abort()
  }
  if (process.send) {
    // A child of `up`: the starter says when to stop, and the terminal's SIGINT is the starter's.
    process.on('SIGINT', () => undefined)
    process.on('disconnect', stop)
  } else process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
  return controller.signal
}
