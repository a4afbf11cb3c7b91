import { setTimeout as delay } from 'node:timers/promises'
import { Fault } from '#bus/fault'
import { type Holder, holderOf, type Lock, takeLock } from '#bus/lock'

/** How long whoever is ending may take, in milliseconds. */
const endsWithin = 45_000

type Claim = {
  /** Completes "<what> is already being run by process 7". */
  readonly what: string
  /** Said of whoever has it to those who come later. */
  readonly about?: string | undefined
  /** What somebody who comes too late can do. */
  readonly todo: (holder: Holder) => string
  /** How long whoever has it may take to say that it is ending, in milliseconds. */
  readonly patience: number
}

/** Takes what one process runs at a time. One that is ending is waited for; any other is named, with what to do. */
export const claim = async (
  path: string,
  { what, about, todo, patience }: Claim,
  signal: AbortSignal,
  say: (line: string) => void,
): Promise<Lock> => {
  const begun = performance.now()
  for (let told = false; ; ) {
    signal.throwIfAborted()
    try {
      const lock = await takeLock(path, what, undefined, about)
      signal.addEventListener('abort', () => void lock.end().catch(() => undefined), { once: true })
      return lock
    } catch (cause) {
      if (!(cause instanceof Fault && cause.code === 'lock.held')) throw cause
      const holder = await holderOf(path)
      const who = `${what} is already being run by process ${holder?.pid}${holder?.about ? ` (${holder.about})` : ''}`
      if (holder && performance.now() - begun > (holder.ending ? endsWithin : patience))
        throw new Fault('lock.held', `${who}. ${todo(holder)}`)
      if (holder?.ending && !told) say(`${who}, which is ending: waiting until it has`)
      told ||= holder?.ending === true
      await delay(50, undefined, { signal }).catch(() => undefined)
    }
  }
}
