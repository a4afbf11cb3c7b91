import { randomUUID } from 'node:crypto'
import { link, readdir, readFile, readlink, rename, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { basename } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { faults } from './fault.ts'

/** A process, told apart from a later one that was given the same number. `birth` is null where /proc is missing. */
export type Process = { readonly pid: number; readonly birth: string | null }

/** When a process began (boot and clock ticks), or null: it is gone, or this system has no /proc. */
export const birthOf = async (pid: number): Promise<string | null> => {
  const stat = await textOf(`/proc/${pid}/stat`)
  if (stat === null) return null
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ') // The name before it may hold anything.
  const dead = fields[0] === 'Z' || fields[0] === 'X'
  return dead ? null : `${(await textOf('/proc/sys/kernel/random/boot_id'))?.trim()}.${fields[19]}`
}

/** Whether this very process is still running. Without a birth to compare, any process with its number counts. */
export const lives = async ({ pid, birth }: Process): Promise<boolean> => {
  if (birth !== null) return (await birthOf(pid)) === birth
  try {
    return process.kill(pid, 0)
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Resolves when a process is gone. One that is not our child can only be watched; watching keeps nobody alive. */
export const gone = async (process: Process): Promise<null> => {
  while (await lives(process)) await delay(100, undefined, { ref: false })
  return null
}

/** Who has a lock. `about` says more of it, for people; `ending` once it is about to let go. */
export type Holder = Process & { readonly about?: string; readonly ending?: boolean }

export type Lock = {
  /** Says to whoever wants the lock that it will be free in a moment. */
  readonly end: () => Promise<void>
  readonly release: () => Promise<void>
}

/**
 * Takes the lock at `path` for this process, or throws a fault that names who has it.
 * A lock whose owner is gone is taken over; of several who try that at once, one succeeds.
 * `what` completes the sentence "<what> is in use".
 */
export const takeLock = async (
  path: string,
  what: string,
  say: (line: string) => void = () => {},
  about?: string,
): Promise<Lock> => {
  const id = randomUUID()
  const holder = { pid: process.pid, birth: await birthOf(process.pid), id, about }
  const own = JSON.stringify(holder)
  const draft = `${path}.${id}`
  await writeFile(draft, own)
  try {
    // A link appears whole or not at all, so nobody ever reads half a lock.
    while (!(await linked(draft, path))) {
      const seen = await textOf(path)
      if (seen === null) continue // Released in between.
      const owner = holderIn(seen)
      if (owner && (await lives(owner))) throw faults.lockHeld(what, owner.pid, path)
      // Only the holder of this second lock may replace a stale one, and only the one that it saw.
      const turn = await takeLock(`${path}.takeover`, what)
      try {
        if ((await textOf(path)) !== seen) continue
        await rename(draft, path)
      } finally {
        await turn.release()
      }
      say(`Took over ${path}: its owner${owner ? `, process ${owner.pid},` : ''} is gone`)
      break
    }
  } finally {
    await rm(draft, { force: true })
  }
  let turn = Promise.resolve() // One after the other: what was released must not be there again.
  const ifOurs = (act: () => Promise<void>): Promise<void> => {
    const next = turn.then(async () => ((await textOf(path))?.includes(id) ? act() : undefined))
    turn = next.catch(() => undefined) // What failed for one must not keep the next from being done.
    return next
  }
  const markEnding = async () => {
    try {
      await writeFile(draft, JSON.stringify({ ...holder, ending: true }))
      await rename(draft, path)
    } finally {
      await rm(draft, { force: true })
    }
  }
  return { end: () => ifOurs(markEnding), release: () => ifOurs(() => rm(path, { force: true })) }
}

/** Who has the lock at a path, if anybody does who lives. */
export const holderOf = async (path: string): Promise<Holder | null> => {
  const holder = holderIn((await textOf(path)) ?? '')
  return holder && (await lives(holder)) ? holder : null
}

/** The process that listens on a local TCP port, where /proc tells; it hides other users' processes. */
export const listenerOn = async (port: number): Promise<{ readonly pid: number; readonly name: string } | null> => {
  const tables = await Promise.all(['/proc/net/tcp', '/proc/net/tcp6'].map(textOf))
  const local = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const sockets = tables
    .flatMap((table) => (table ?? '').split('\n').map((line) => line.trim().split(/\s+/)))
    .filter((columns) => columns[1]?.endsWith(local) && columns[3] === '0A')
    .map((columns) => `socket:[${columns[9]}]`)
  if (sockets.length === 0) return null
  for (const pid of await readdir('/proc')) {
    for (const descriptor of await readdir(`/proc/${pid}/fd`).catch(() => [])) {
      const target = await readlink(`/proc/${pid}/fd/${descriptor}`).catch(() => '')
      if (sockets.includes(target))
        return { pid: Number(pid), name: basename((await textOf(`/proc/${pid}/cmdline`))?.split('\0')[0] || 'unknown') }
    }
  }
  return null
}

/** What a NATS server says first to whoever connects. */
export type Greeting = {
  readonly server_id: string
  readonly server_name: string
  readonly version: string
  readonly jetstream?: boolean
  readonly auth_required?: boolean
  readonly tls_required?: boolean
}

/** Who answers on a port: a NATS server with its greeting, something that says anything else, or nobody. */
export const greet = (port: number, host = '127.0.0.1'): Promise<Greeting | 'stranger' | 'nobody'> =>
  new Promise((resolve) => {
    const socket = connect({ port, host, timeout: 1_000 })
    const settle = (who: Greeting | 'stranger' | 'nobody') => {
      resolve(who)
      socket.destroy()
    }
    let [text, connected] = ['', false]
    socket.setEncoding('utf8').on('data', (part: string) => {
      text += part
      if (!'INFO '.startsWith(text.slice(0, 5))) settle('stranger')
      else if (text.includes('\r\n')) settle(greetingIn(text) ?? 'stranger')
    })
    socket.on('connect', () => {
      connected = true
    })
    const quiet = () => settle(connected ? 'stranger' : 'nobody')
    socket.on('timeout', quiet).on('end', quiet).on('error', quiet)
  })

const greetingIn = (text: string): Greeting | null => {
  try {
    const greeting = JSON.parse(text.slice(5, text.indexOf('\r\n')))
    return greeting.server_id ? greeting : null
  } catch {
    return null
  }
}

const textOf = (path: string): Promise<string | null> => readFile(path, 'utf8').catch(() => null)

const linked = async (from: string, to: string): Promise<boolean> => {
  try {
    await link(from, to)
    return true
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw cause
  }
}

const holderIn = (text: string): Holder | null => {
  try {
    const { pid, birth, ...more } = JSON.parse(text)
    return Number.isInteger(pid) && pid > 0 ? { ...more, pid, birth: birth ?? null } : null
  } catch {
    return null
  }
}
