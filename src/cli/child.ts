import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { exitCode } from './exit.ts'

const main = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? './main.ts' : './main.js', import.meta.url))

/** How long a process may take to drain, in milliseconds. */
const patience = 15_000

/**
 * Runs a verb of this program as a process of its own, and runs it again when it dies. What is wrong with its config or
 * its command line is not tried again, nor what fails before it has ever been ready. What it prints is shown as it comes; why it failed, it says through the channel.
 * Ends it when `signal` aborts: `kill` at once, else by asking it to drain.
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
      let reason = ''
      child.on('message', (message: { readonly kind?: string; readonly reason?: string }) => {
        if (message.kind === 'ready') {
          hasBeenReady = true
          isReady()
        }
        if (message.kind === 'failed') reason = message.reason ?? ''
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
      if (code === exitCode.usage || (code && !hasBeenReady)) {
        const broken = new Error(reason || `${name} ${how}`)
        isBroken(broken)
        throw broken
      }
      say(`${name} ${how}${reason && `: ${reason}`}; starting it again`)
      if (performance.now() - began > 60_000) tries = 0
      await delay(Math.min(10_000, 250 * 2 ** Math.min(tries, 6)), undefined, { signal }).catch(() => undefined)
    }
  }
  return { ready, ended: live(), kill: () => child?.kill('SIGKILL') }
}
