import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { orAborted } from '#bus/abort'
import { Fault, faults, reasonOf } from '#bus/fault'
import { splitPart } from '#contracts/names'
import { endGroup, signalGroup } from '../group.ts'
import { byLine } from '../lines.ts'
import { type Asked, type Doing, openCalls } from './resource-calls.ts'
import type { FromResource, Ready } from './resource-messages.ts'
import type { Source } from './source.ts'

/** How long a resource may give no sign of life, and how long its process may take to load the config, in milliseconds. */
const usualSilence = 60_000
const loadsWithin = 60_000

/** What a write may take beyond that, in milliseconds for each byte: a second for each MiB. */
const writing = 1_000 / (1 << 20)

export type ResourceOptions = {
  /** The node, as `<pipeline>/<node>`. */
  readonly part: string
  readonly configPath: string
  /** Where the config's relative paths begin. */
  readonly base: string
  readonly say: (line: string) => void
  /** Aborts when the host stops: then everything ends at once. */
  readonly signal: AbortSignal
  readonly silence?: number
}

const entry = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? './resource-process.ts' : './resource-process.js', import.meta.url),
)

/** A user's resource in a process of its own, started when it is first needed and again where it has ended. */
export const openResource = ({ part, silence = usualSilence, signal, ...about }: ResourceOptions): Source => {
  const calls = openCalls(part)
  let child: Promise<ChildProcess> | undefined

  const launch = async (): Promise<ChildProcess> => {
    signal.throwIfAborted()
    const { pipeline, node } = splitPart(part)
    const launched = fork(entry, [about.configPath, about.base, pipeline, node, String(process.pid)], {
      serialization: 'advanced',
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      detached: true, // So that whatever it starts can be ended with it.
    })
    const lastWords = hear(launched, about.say)
    const end = () => launched.pid && signalGroup(launched.pid, 'SIGKILL')
    signal.addEventListener('abort', end)
    launched.on('error', () => undefined) // Without a listener, it would end the host.
    const { promise: ready, resolve, reject } = Promise.withResolvers<void>()
    ready.catch(() => undefined) // Where there is no process at all, nobody waits for it.
    launched.on('message', (message: FromResource | Ready) =>
      message.kind === 'ready' ? resolve() : calls.hear(message),
    )
    launched.once('exit', (code, killedBy) => {
      child = undefined
      signal.removeEventListener('abort', end)
      if (launched.pid) void endGroup(launched.pid)
      const how = `${killedBy ?? `code ${code}`}${lastWords()}`
      const cause = signal.aborted ? signal.reason : faults.resourceEnded(part, how)
      reject(cause)
      calls.failAll(cause)
    })
    await once(launched, 'spawn')
    const tooLong = setTimeout(() => {
      reject(faults.resourceSilent(part, 'load its config', loadsWithin / 1_000))
      end()
    }, loadsWithin)
    // Until it is ready it can hear nothing: that is no silence of the resource.
    await ready.finally(() => clearTimeout(tooLong))
    return launched
  }

  const ask = async (asked: Asked, doing: Partial<Doing> = {}): Promise<void> => {
    child ??= launch().catch((cause: unknown) => {
      child = undefined
      if (signal.aborted || cause instanceof Fault) throw cause
      throw faults.resourceFailed(part, `no process can be started: ${reasonOf(cause)}`)
    })
    const { stop = signal } = doing
    return calls.ask(await orAborted(child, stop), asked, { silence, ...doing, stop })
  }

  return {
    list: (items, stop) => ask({ kind: 'list' }, { stop, items }),
    read: (item, to, stop) => ask({ kind: 'read', item, to }, { stop }),
    write: (path, file, overwrite) =>
      ask({ kind: 'write', path, file, overwrite }, { silence: silence + file.size * writing }),
  }
}

/** Hands on what a process prints; gives what it said last. */
const hear = ({ stdout, stderr }: ChildProcess, say: (line: string) => void): (() => string) => {
  let words = ''
  for (const stream of [stdout, stderr]) {
    const lines = byLine(say)
    stream?.setEncoding('utf8').on('data', (text: string) => {
      words = (words + text).slice(-1_000)
      lines.add(text)
    })
  }
  return () => words.trim() && `: ${words.trim()}`
}
