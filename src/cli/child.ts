import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { finished } from 'node:stream/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Fault } from '#bus/fault'
import type { Checked } from './check.ts'
import { exitCode } from './exit.ts'

const main = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? './main.ts' : './main.js', import.meta.url))

/** How long a process may take to drain, in milliseconds. */
const patience = 15_000

/** What a process that was started here says through its channel. */
type Told =
  | { readonly kind: 'ready' }
  | { readonly kind: 'failed'; readonly reason: string; readonly code?: string }
  | Checked

/** Why a process failed, as it said itself: the exit code of its fault is that of its starter. */
const failureOf = (told: Told | undefined, otherwise: string): Error => {
  if (told?.kind !== 'failed') return new Error(otherwise)
  return told.code === undefined
    ? new Error(told.reason || otherwise)
    : new Fault(told.code, told.reason, { cause: told })
}

/** Whether it was a process that was started here which told of a fault. */
export const isOfChild = ({ cause }: Fault): boolean =>
  typeof cause === 'object' && cause !== null && 'kind' in cause && cause.kind === 'failed'

/**
 * Has another process import configs and find what is wrong with them: what a config does when it is imported, it does
 * there. What it prints is shown where it fails; the processes that run it show it anyway.
 */
export const check = async (configs: readonly string[], base: string, signal: AbortSignal): Promise<Checked> => {
  const child = fork(main, ['check', ...configs, '--base', base], { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] })
  const kill = () => child.kill('SIGKILL')
  signal.addEventListener('abort', kill)
  let [printed, told] = ['', undefined as Told | undefined]
  const outputs = [child.stdout, child.stderr].filter((stream) => stream !== null)
  for (const stream of outputs)
    stream.setEncoding('utf8').on('data', (text: string) => {
      printed += text
    })
  child.on('message', (message: Told) => {
    told = message
  })
  if (signal.aborted) kill()
  // Not 'close': what a config has started may hold the output open for as long as it likes.
  const [[code]] = (await Promise.all([once(child, 'exit'), once(child, 'disconnect')])) as [[number | null], unknown]
  await Promise.race([
    Promise.allSettled(outputs.map((stream) => finished(stream))),
    delay(500, undefined, { ref: false }),
  ])
  for (const stream of outputs) stream.destroy()
  signal.removeEventListener('abort', kill)
  signal.throwIfAborted()
  if (told?.kind === 'checked') return told
  process.stderr.write(printed)
  throw failureOf(told, `Importing ${configs.join(' and ')} ended the process with code ${code}`)
}

/**
 * Runs a verb of this program as a process of its own, and runs it again when it dies. What is wrong with its config or
 * its command line is not tried again, nor what fails before it has ever been ready. What it prints is shown as it comes;
 * why it failed, it says through the channel. Ends it when `signal` aborts: `kill` at once, else by asking it to drain.
 */
export const supervise = (
  args: readonly string[],
  { name, say, signal }: { readonly name: string; readonly say: (line: string) => void; readonly signal: AbortSignal },
) => {
  let child: ChildProcess | undefined
  const { promise: ready, resolve: isReady, reject: isBroken } = Promise.withResolvers<void>()
  ready.catch(() => undefined)

  const live = async (): Promise<void> => {
    let hasBeenReady = false
    for (let tries = 0; !signal.aborted; tries++) {
      const began = performance.now()
      child = fork(main, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
      let failed: Told | undefined
      child.on('message', (message: Told) => {
        if (message.kind === 'ready') {
          hasBeenReady = true
          isReady()
        }
        if (message.kind === 'failed') failed = message
      })
      let deadline: NodeJS.Timeout | undefined
      const drain = () => {
        child?.kill('SIGTERM')
        deadline = setTimeout(() => {
          say(`${name} did not stop within ${patience / 1000} s and is killed; what it held is delivered again`)
          child?.kill('SIGKILL')
        }, patience)
      }
      signal.addEventListener('abort', drain, { once: true })
      if (signal.aborted) drain()
      // The channel closes after all that it said through it.
      const [exit] = await Promise.all([once(child, 'exit'), once(child, 'disconnect')])
      const [code, killedBy] = exit as [number | null, NodeJS.Signals | null]
      clearTimeout(deadline)
      signal.removeEventListener('abort', drain)
      if (signal.aborted) return
      const how = killedBy ? `was killed by ${killedBy}` : `ended with code ${code}`
      const failure = failureOf(failed, `${name} ${how}`)
      if (code === exitCode.usage || (code && !hasBeenReady)) {
        isBroken(failure)
        throw failure
      }
      say(`${name} ${how}${failed ? `: ${failure.message}` : ''}; starting it again`)
      if (performance.now() - began > 60_000) tries = 0
      await delay(Math.min(10_000, 250 * 2 ** Math.min(tries, 6)), undefined, { signal }).catch(() => undefined)
    }
  }
  return { ready, ended: live(), kill: () => child?.kill('SIGKILL') }
}
