/**
 * The process in which one execution of a user's action runs: it imports the config, waits for its assignment, and can
 * block its thread without starving the host. Started with the config's path, where its paths begin, the pipeline's name and
 * the host's process id.
 */
import { Worker } from 'node:worker_threads'
import { Fault } from '#bus/fault'
import { signalGroup } from '../group.ts'
import type { LogLevel } from '../result.ts'
import { loadPipelines } from './config.ts'
import { type Call, contextOf, type Drafts } from './context-of.ts'
import type { Assignment, FromRunner, Result, ToRunner } from './messages.ts'
import { runProgram } from './program.ts'
import { watchRemains } from './remains.ts'
import { takeSteps } from './steps.ts'

const [, , configPath = '', base = '', pipelineName = '', host = ''] = process.argv

const watchdog = import.meta.url.endsWith('.ts') ? './watchdog.ts' : './watchdog.js'
// Before the config is imported: that too can block.
new Worker(new URL(watchdog, import.meta.url), { workerData: Number(host) }).unref()

const send = (message: FromRunner): void => {
  process.send?.(message)
}

let ended = false

/** What the execution that goes on waits for; each has its own. */
type Calls = Map<number, { readonly resolve: (value: unknown) => void; readonly reject: (cause: Error) => void }>
let now: { readonly calls: Calls; readonly stopping: AbortController } | undefined
let nextCall = 1

/** Asks the host for something, as long as the execution goes on. */
const callIn =
  (calls: Calls): Call =>
  (node, verb, args) =>
    new Promise((resolve, reject) => {
      const { stack = '' } = new Error() // Where in the user's function it was asked: an answer comes from nowhere.
      const refuse = (fault: Error) => {
        fault.stack = `${fault.message}${stack.slice(stack.indexOf('\n'))}`
        reject(fault)
      }
      if (now?.calls !== calls) return refuse(new Error('The execution has ended: nothing can be asked for any more'))
      const id = nextCall++
      calls.set(id, { resolve: resolve as (value: unknown) => void, reject: refuse })
      send({ kind: 'call', call: id, node, verb, args })
    })

const [pipeline] = (await loadPipelines(configPath, base)).filter(({ name }) => name === pipelineName)
if (!pipeline) throw new Error(`${configPath} has no pipeline ${pipelineName}`)

const say =
  (level: LogLevel) =>
  (message: string, more?: Readonly<Record<string, unknown>>): void =>
    send({ kind: 'log', level, message: String(message), ...(more && { more }) })

/** A stack without the places that are this project's: they say nothing about the user's function. */
const own = import.meta.url.slice(0, import.meta.url.lastIndexOf('/') + 1)
const withoutOwn = (stack: string): string =>
  stack
    .split('\n')
    .filter((line) => !line.includes(own) && !line.includes('new Promise (<anonymous>)'))
    .join('\n')

const execute = async (assignment: Assignment & Drafts, call: Call, signal: AbortSignal): Promise<Result> => {
  const action = pipeline.actions[assignment.node]
  if (!action) return { outcome: 'errored', reason: `${pipelineName} has no action ${assignment.node}` }
  const { context, allDone } = contextOf({ pipeline, call, say, signal }, assignment)
  const used = (node: string, path: string, digest: string) => call(node, 'used', { path, digest })
  return takeSteps(action, {
    context,
    program: (exec) => runProgram(exec, { base, pipeline, assignment, context, used, ...beside }),
    allDone,
    turn: (phase) => send({ kind: 'turned', phase }),
    // A run records the sentence; where it happened is for whoever reads the log.
    threw: (cause) => cause instanceof Error && cause.stack && say('error')(withoutOwn(cause.stack)),
  })
}

/** A program runs in this process's group, and writes where this process does. */
const draining = new Set<'stdout' | 'stderr'>()
const beside = {
  write: (output: 'stdout' | 'stderr', text: string, drained: () => void): boolean => {
    const taken = process[output].write(text)
    if (!taken && !draining.has(output)) {
      draining.add(output)
      process[output].once('drain', () => {
        draining.delete(output)
        drained()
      })
    }
    return taken
  },
  stop: () => {
    process.on('SIGTERM', () => undefined) // This process hears it too, and stays: it has an end to report.
    signalGroup(process.pid, 'SIGTERM')
  },
}

const remains = watchRemains()

const run = async (assignment: Assignment): Promise<void> => {
  const calls: Calls = new Map()
  const stopping = new AbortController()
  now = { calls, stopping }
  const before = remains.now()
  const result = await execute(assignment, callIn(calls), stopping.signal)
  now = undefined
  const again = calls.size === 0 && !stopping.signal.aborted && (await remains.none(before))
  // What has been written must have left before the process may end.
  const last = again ? `\n${assignment.mark}\n` : ''
  await Promise.all([process.stdout, process.stderr].map((output) => new Promise((done) => output.write(last, done))))
  ended = !again
  send({ kind: 'ended', result, again })
}

process.on('message', (message: ToRunner) => {
  switch (message.kind) {
    case 'run':
      void run(message)
      break
    case 'abort':
      now?.stopping.abort(new Error('The execution was stopped'))
      break
    case 'reply': {
      const waiting = now?.calls.get(message.call)
      now?.calls.delete(message.call)
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
