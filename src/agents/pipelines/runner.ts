/**
 * The process in which one execution of a user's function runs: it imports the config, waits for its assignment, and can
 * block its thread without starving the host. Started with the config's path, where its paths begin, the pipeline's name and
 * the host's process id.
 */
import { hash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { Fault, faults, reasonOf } from '#bus/fault'
import { loadPipelines } from './config.ts'
import { draft } from './folder.ts'
import { signalGroup } from './group.ts'
import type { Assignment, Described, FromRunner, LogLevel, Result, ToRunner } from './messages.ts'
import type { Content, Context, Definition, InputFile } from './shape.ts'

const [, , configPath = '', base = '', pipelineName = '', host = ''] = process.argv

const watchdog = import.meta.url.endsWith('.ts') ? './watchdog.ts' : './watchdog.js'
// Before the config is imported: that too can block.
new Worker(new URL(watchdog, import.meta.url), { workerData: Number(host) }).unref()

const send = (message: FromRunner): void => {
  process.send?.(message)
}

const stopping = new AbortController()
let nextCall = 1
let ended = false
const calls = new Map<number, { resolve: (value: unknown) => void; reject: (cause: Error) => void }>()

/** Asks the host to do something that only it can: its store, its bus, its outbox. */
const call = <T>(node: string, verb: string, args: unknown): Promise<T> =>
  new Promise((resolve, reject) => {
    const id = nextCall++
    const { stack = '' } = new Error() // Where in the user's function it was asked: an answer comes from nowhere.
    const refuse = (fault: Error) => {
      fault.stack = `${fault.message}${stack.slice(stack.indexOf('\n'))}`
      reject(fault)
    }
    calls.set(id, { resolve: resolve as (value: unknown) => void, reject: refuse })
    send({ kind: 'call', call: id, node, verb, args })
  })

const inputFile = (node: string, described: Described): InputFile => {
  /** Whoever wants all bytes has them in memory anyway: those are hashed, so that nothing can come between. */
  const use = async (): Promise<Buffer> => {
    const bytes = await readFile(described.file)
    const digest = hash('sha256', bytes)
    if (digest !== described.digest) throw faults.changed(`${described.path} in ${node}`, described.digest, digest)
    await call(node, 'used', { path: described.path, digest })
    return bytes
  }
  return {
    ...described,
    bytes: use,
    text: async () => (await use()).toString('utf8'),
    json: async () => JSON.parse((await use()).toString('utf8')),
  }
}

const handleOf = (node: string, definition: Definition): unknown => {
  switch (definition.kind) {
    case 'filesystem-store':
      return {
        save: async (path: string, content: Content, options = {}) =>
          call(node, 'save', { path, draft: await draft(definition.path, content), ...options }),
        open: async (path: string) => inputFile(node, await call<Described>(node, 'open', { path })),
        list: () => call(node, 'list', {}),
        tag: (path: string, tags: unknown) => call(node, 'tag', { path, tags }),
      }
    case 'store-client':
      return {
        download: async (path: string) => inputFile(node, await call<Described>(node, 'download', { path })),
        upload: async (path: string, content: Content, options = {}) =>
          call(node, 'upload', { path, draft: await draft(definition.path, content), ...options }),
        list: () => call(node, 'list', {}),
      }
    case 'metadata-store':
    case 'metadata-client':
      return {
        logMetric: (key: string, value: number, { step }: { step?: number } = {}) =>
          call(node, 'metric', { key, value, ...(step !== undefined && { step }) }),
        logParam: (key: string, value: unknown) => call(node, 'param', { key, value }),
        tag: (key: string, value: string) => call(node, 'runTag', { key, value }),
        run: () => call(node, 'run', {}),
        metrics: (filter = {}) => call(node, 'metrics', filter),
      }
  }
}

/** What a function has begun to record and that has not come to its end. What it only reads, nobody waits for. */
const underWay = new Set<Promise<unknown>>()

type Verb = (...args: never[]) => Promise<unknown>

const recording: ReadonlySet<string> = new Set(['save', 'upload', 'tag', 'logMetric', 'logParam'])

/** A handle that counts what of it is under way. What breaks is still whoever's who began it: nobody else looks at that. */
const counted = (handle: unknown): unknown =>
  Object.fromEntries(
    Object.entries(handle as Readonly<Record<string, Verb>>).map(([verb, act]) => [
      verb,
      (...args: never[]) => {
        const doing = act(...args)
        if (!recording.has(verb)) return doing
        underWay.add(doing)
        return doing.finally(() => underWay.delete(doing))
      },
    ]),
  )

/** Waits for what a function began and did not await; where that breaks, the process has ended by then. */
const allDone = async (): Promise<void> => {
  while (underWay.size > 0) await Promise.allSettled(underWay)
  await nextTurn()
}

const [pipeline] = (await loadPipelines(configPath, base)).filter(({ name }) => name === pipelineName)
if (!pipeline) throw new Error(`${configPath} has no pipeline ${pipelineName}`)

const say =
  (level: LogLevel) =>
  (message: string, more?: Readonly<Record<string, unknown>>): void =>
    send({ kind: 'log', level, message: String(message), ...(more && { more }) })

const contextOf = ({ run, inputs }: Assignment): Context => ({
  run: {
    ...run,
    // Every watched store is there, also where it offered nothing: so says the type.
    inputs: Object.fromEntries(
      Object.entries(pipeline.stores).flatMap(([node, definition]) =>
        definition.kind === 'filesystem-store' && definition.watch
          ? [[node, (inputs[node] ?? []).map((file) => inputFile(node, file))]]
          : [],
      ),
    ),
  } as Context['run'],
  stores: Object.fromEntries(
    Object.entries(pipeline.stores).map(([node, definition]) => [node, counted(handleOf(node, definition))]),
  ) as Context['stores'],
  log: { debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error') },
  signal: stopping.signal,
})

/** A stack without the places that are this file's: they say nothing about the user's function. */
const withoutOwn = (stack: string): string =>
  stack
    .split('\n')
    .filter((line) => !line.includes(import.meta.url) && !line.includes('new Promise (<anonymous>)'))
    .join('\n')

const execute = async (assignment: Assignment): Promise<Result> => {
  const action = pipeline.actions[assignment.node]
  if (!action) return { outcome: 'errored', reason: `${pipelineName} has no action ${assignment.node}` }
  try {
    const said = await action.execute(contextOf(assignment))
    await allDone()
    if (said === false) return { outcome: 'failed', reason: `${assignment.node} returned false` }
    return typeof said === 'string' ? { outcome: 'succeeded', message: said } : { outcome: 'succeeded' }
  } catch (cause) {
    // A run records the sentence; where it happened is for whoever reads the host's log.
    if (cause instanceof Error && cause.stack) say('error')(withoutOwn(cause.stack))
    return { outcome: 'errored', reason: reasonOf(cause) || 'It threw without saying why' }
  }
}

process.on('message', (message: ToRunner) => {
  switch (message.kind) {
    case 'run':
      void execute(message).then((result) => {
        ended = true
        send({ kind: 'ended', result })
      })
      break
    case 'abort':
      stopping.abort(new Error('The execution was stopped'))
      break
    case 'reply': {
      const waiting = calls.get(message.call)
      calls.delete(message.call)
      if (message.fault) waiting?.reject(new Fault(message.fault.code, message.fault.message))
      else waiting?.resolve(message.value)
    }
  }
})
process.on('disconnect', () => {
  if (ended && process.ppid === Number(host)) process.exit(0)
  signalGroup(process.pid, 'SIGKILL') // The host is gone, and nobody wants the result.
})
send({ kind: 'ready' })
