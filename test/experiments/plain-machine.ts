import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import type { Ended, Machine } from '#agents/machines/machine'

/** This machine, by the shortest way: what tests of other things run programs on. */
export const plainMachine = (): Machine => ({
  name: 'this machine',
  run: async ([program, ...args], { signal, hear, output, folder }): Promise<Ended> => {
    signal.throwIfAborted()
    const child = spawn(program, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
    const end = () => void child.kill('SIGTERM')
    signal.addEventListener('abort', end, { once: true })
    let lastWords = ''
    const listen = (stream: 'stdout' | 'stderr') =>
      createInterface({ input: child[stream] }).on('line', (line) => {
        lastWords = `${lastWords}${line}\n`.slice(-2_000)
        hear?.(stream, line)
      })
    listen('stderr')
    if (output) child.stdout.pipe(output)
    else listen('stdout')
    try {
      const [code, killedBy] = await once(child, 'close')
      signal.throwIfAborted()
      return { code, killedBy, lastWords }
    } finally {
      signal.removeEventListener('abort', end)
    }
  },
  send: async (from, to) => {
    await mkdir(to, { recursive: true })
    await cp(from, to, { recursive: true })
  },
  fetch: async (from, to) => {
    await cp(from, to, { recursive: true })
  },
})
