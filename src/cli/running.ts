import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Fault } from '#bus/fault'
import { type Holder, holderOf, type Lock, listenerOn } from '#bus/lock'
import { claim } from './claim.ts'
import { shown } from './print.ts'
import { hostNameOf, stateFolder } from './state.ts'

/** What is to be started: a config, under which host name, with which port and address of its console. */
export type Starting = {
  readonly config: string
  readonly host?: string | undefined
  readonly port: number
  readonly url: string
}

/** How long an earlier start may take to say that it is ending, and one that was killed to free its ports; milliseconds. */
const [saysWithin, freesWithin] = [500, 3_000]

/**
 * Takes what this start is about to run, so that a second one in the same folder is told at once who runs it already. What
 * an earlier start is just letting go of is waited for. Gives a function that lets all of it go.
 */
export const claimAll = async (
  state: string,
  address: string,
  starting: readonly Starting[],
  signal: AbortSignal,
  say: (line: string) => void,
): Promise<() => Promise<void>> => {
  const folder = stateFolder(state, 'up')
  const locks: Lock[] = []
  const release = async () => {
    await Promise.all(locks.map((lock) => lock.release()))
  }
  try {
    for (const { config, host = hostNameOf(config), url } of starting) {
      const what = shown(config)
      const about = `${resolve(config)} at ${url}`
      const todo = adviceFor(config)
      const lock = await claim(join(folder, `${host}.lock`), { what, about, todo, patience: saysWithin }, signal, say)
      locks.push(lock)
    }
    await Promise.all(starting.map(({ port }) => untilFree(state, address, port, signal)))
    for (const { config, host = hostNameOf(config), port } of starting)
      if (port > 0) writeFileSync(join(folder, `${host}.port`), String(port))
    return release
  } catch (cause) {
    await release()
    throw cause
  }
}

/**
 * Resolves once nobody has any of some databases open; throws where somebody goes on doing so, who is a start with another
 * state folder then.
 */
export const untilClosed = async (databases: readonly string[], signal: AbortSignal): Promise<void> => {
  for (const path of databases)
    for (const until = performance.now() + freesWithin; ; await delay(100)) {
      signal.throwIfAborted()
      const holder = await holderOf(`${path}.lock`)
      if (!holder) break
      if (performance.now() > until)
        throw new Fault(
          'lock.held',
          `${path} is in use by process ${holder.pid}: another start, with another state folder, runs on the same files. Stop that one, or have this one use other files with --base`,
        )
    }
}

/** What to do about somebody who runs a config of the same name: the very same one, or another. */
const adviceFor =
  (config: string) =>
  ({ pid, about = '' }: Holder): string => {
    const stop = `Stop it, with Ctrl-C where it was started or kill ${pid}`
    return about.startsWith(`${resolve(config)} `)
      ? `${stop}; or start another one beside it, with other folders (--state, --base) and other ports (--port, --nats-port)`
      : `${stop}; or start this one under another host name (--name) and port (--port)`
  }

/** Who runs something with this state folder: what `claimAll` has said about it. */
export const runningIn = async (state: string): Promise<readonly Holder[]> => {
  const folder = resolve(state, 'up')
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.lock')) : []
  const holders = await Promise.all(names.map((name) => holderOf(join(folder, name))))
  return holders.filter((holder) => holder !== null)
}

/** The ports at which consoles of this state folder were last; a start of the same config takes them again. */
export const lastPortsIn = (state: string): readonly number[] => {
  const folder = resolve(state, 'up')
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.port')) : []
  const ports = names.map((name) => Number(readFileSync(join(folder, name), 'utf8')))
  return [...new Set(ports)].filter((port) => Number.isInteger(port) && port > 0 && port < 65_536)
}

/** Resolves once nobody listens at a port of the console; throws where somebody goes on doing so. */
const untilFree = async (state: string, address: string, port: number, signal: AbortSignal): Promise<void> => {
  for (const until = performance.now() + freesWithin; !(await isFree(address, port)); ) {
    signal.throwIfAborted()
    const ours = (await runningIn(state)).find(({ pid, about }) => pid !== process.pid && about?.endsWith(`:${port}`))
    if (ours) throw taken(address, port, `process ${ours.pid} (${ours.about})`)
    const other = performance.now() > until ? await listenerOn(port) : undefined
    if (other !== undefined) throw taken(address, port, other && `${other.name}, process ${other.pid}`)
    await delay(100)
  }
}

const isFree = (address: string, port: number): Promise<boolean> =>
  new Promise((answer) => {
    const probe = createServer()
    // What else is wrong with the address, the web process says.
    probe.once('error', ({ code }: NodeJS.ErrnoException) => answer(code !== 'EADDRINUSE'))
    probe.listen(port, address.replace(/^\[|\]$/g, ''), () => probe.close(() => answer(true)))
  })

const taken = (address: string, port: number, by: string | null): Fault =>
  new Fault(
    'web.port-taken',
    `Port ${port} of ${address}, where the console was to be, is in use${by ? ` by ${by}` : ''}. Choose another one with --port, or stop what is there`,
  )
