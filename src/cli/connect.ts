import type { Bus } from '#bus/bus'
import { type OpenOptions, openBus } from '#bus/jetstream'

/** Connects, however long it takes until a server answers, and says so after a second; ends the process on a signal. */
export const openPatiently = async (
  options: Omit<OpenOptions, 'wait'>,
  signal: AbortSignal,
  say: (line: string) => void,
): Promise<Bus> => {
  const timer = setTimeout(() => say(`Waiting for a NATS server at ${options.url}`), 1_000)
  const leave = () => process.exit(130)
  signal.addEventListener('abort', leave)
  try {
    return await openBus({ ...options, wait: true })
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', leave)
  }
}
