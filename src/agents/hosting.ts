import { hostname } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { aborted } from '#bus/abort'
import type { Bus } from '#bus/bus'
import { dispatch } from '#bus/dispatcher'
import { type Outbox, openOutbox } from '#bus/outbox'
import type { Disk } from '#contracts/disk'
import { appear } from './appear.ts'
import type { Local } from './local.ts'
import type { LogLevel } from './result.ts'
import { releaseHeld } from './worker.ts'

/** How long a host that stops may take where the bus is away, in milliseconds: a function has five seconds to end. */
const aloneFor = 6_000

/** A process that runs agents, under a name of its own. */
export type Hosting = {
  readonly bus: Bus
  /** The host's name, and the id of its installation, which outlives the process. */
  readonly host: string
  readonly instance: string
  readonly version: string
  readonly local: Local
  readonly log: (level: LogLevel, message: string, more?: Readonly<Record<string, unknown>>) => void
  readonly signal: AbortSignal
  /** Whether it puts work where it is found, as whoever decides does; unless it is only to take some. */
  readonly dispatches?: boolean
  /** Called when everything runs. */
  readonly ready?: () => void
}

/** What whoever starts agents on a host is given. */
export type Hosted = {
  readonly outbox: Outbox
  /** Told of what runs until the host stops; where that breaks, the host ends. */
  readonly run: (task: Promise<unknown>) => void
  /** Says with the host's presence how much room there is for a part; undefined where that is not known. */
  readonly tellDisk: (part: string, found: Disk | undefined) => void
  /** Aborts when the host stops, or something on it broke. */
  readonly signal: AbortSignal
}

/**
 * Runs agents under a host's name: takes the name, sends what it has to say, puts work where it is found, and starts what it is
 * told to. Resolves when all of it has stopped, all facts sent. `parts` are what it runs, each as `<place>/<agent>`.
 */
export const runAgents = async (
  { bus, host, instance, version, local, log, signal: stop, dispatches = true, ready }: Hosting,
  parts: readonly string[],
  start: (hosted: Hosted) => Promise<void>,
): Promise<void> => {
  const broken = new AbortController()
  const signal = AbortSignal.any([stop, broken.signal])
  const sending = new AbortController()
  const tasks: Promise<unknown>[] = []
  const run = (task: Promise<unknown>) => {
    tasks.push(task)
    task.catch((cause: unknown) => stop.aborted || broken.abort(cause)) // What stopping breaks off is no failure.
  }

  const presenceEnds = new AbortController()
  const presence = { host, instance, machine: hostname(), nodes: parts }
  const disks = new Map<string, Disk>()
  const tellDisk = (part: string, found: Disk | undefined) => void (found ? disks.set(part, found) : disks.delete(part))
  const { gone } = await appear({ bus, log, signal }, presence, presenceEnds.signal, () => Object.fromEntries(disks))
  gone.catch((cause: unknown) => broken.abort(cause))

  const outbox = openOutbox(local, bus.principal)
  const sent = outbox.send(bus, sending.signal, (reason) =>
    log('warn', `${outbox.waiting()} facts wait on disk: ${reason}. See: millrace doctor`),
  )
  sent.catch((cause: unknown) => broken.abort(cause))
  releaseHeld(bus, local)
  const about = { aggregate: 'host', scope: 'all', key: host }
  const data = { host, instance, machine: hostname(), pid: process.pid, version, nodes: [...parts] }
  outbox.post({ address: about, type: 'host.started', data })
  if (dispatches) run(dispatch(bus, signal, (reason) => log('warn', `Work waits: ${reason}`)))
  run(start({ outbox, run, tellDisk, signal }).then(() => ready?.()))

  await aborted(signal)
  const ended = async () => {
    for (let seen = 0; seen < tasks.length; ) {
      seen = tasks.length
      await Promise.allSettled(tasks) // What was being started may have started more.
    }
  }
  // Without a connection, what waits for an answer waits in vain.
  await Promise.race([ended(), ...(bus.connected() ? [] : [delay(aloneFor, undefined, { ref: false })])])
  outbox.post({ address: about, type: 'host.stopped', data: { host, instance } })
  // What can't be sent by then waits on disk for the next start, and a name that is not given back is forgotten.
  const within = (milliseconds: number) => delay(bus.connected() ? milliseconds : 0, undefined, { ref: false })
  await Promise.race([outbox.flushed().catch(() => undefined), within(2_000)])
  sending.abort()
  presenceEnds.abort()
  await Promise.race([Promise.allSettled([sent, gone]), within(2_000)])
  if (broken.signal.aborted) throw broken.signal.reason
}
