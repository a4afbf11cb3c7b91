import { orAborted } from '#bus/abort'
import type { Bus } from '#bus/bus'
import { type OpenOptions, openBus } from '#bus/jetstream'

/** Connects, however long it takes until a server answers, and says so after a second; rejects when `signal` aborts. */
export const openPatiently = async (
  options: Omit<OpenOptions, 'wait'>,
  signal: AbortSignal,
  say: (line: string) => void,
): Promise<Bus> => {
  signal.throwIfAborted()
  const timer = setTimeout(() => say(`Waiting for a NATS server at ${options.url}`), 1_000)
  try {
    return await orAborted(openBus({ ...options, wait: true }), signal)
  } finally {
    clearTimeout(timer)
  }
}
