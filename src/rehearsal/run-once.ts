import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { contextOf } from '#agents/pipelines/context-of'
import type { Result } from '#agents/pipelines/messages'
import { mistakesIn } from '#agents/pipelines/mistakes'
import { runProgram } from '#agents/pipelines/program'
import type { Node } from '#agents/pipelines/run-state'
import { type Scheduled, scheduledIn } from '#agents/pipelines/scheduled'
import { givenTo, servicesFor } from '#agents/pipelines/services'
import type { Pipeline } from '#agents/pipelines/shape'
import { takeSteps } from '#agents/pipelines/steps'
import { tooLong } from '#agents/tell'
import { commandFrom } from '#bus/command'
import { faults, reasonOf } from '#bus/fault'
import { type Finished, finishedOf, type Line } from './result.ts'
import { openRehearsal, type Rehearsed } from './stage.ts'

/** What lies in stores before a run: by store, and in it by path. */
export type Files = Readonly<Record<string, Readonly<Record<string, string | Uint8Array>>>>

export type RunOnceOptions = {
  /**
   * What has arrived in watched stores, and what lies in the others. A store of another pipeline than the first is named
   * `<pipeline>/<store>`; so is one that a client stands for, whose pipeline is not given.
   */
  readonly files?: Files
  /** Where programs run that say no folder of their own: that of the config. Where the test was started, unless said. */
  readonly base?: string
}

/**
 * Runs a pipeline once, without a bus, a server or a process of its own: for tests of one's own actions. Stores are temporary
 * folders, so nothing that a config names is touched; conditions, joins, retries (without their delays), timeouts, transfers
 * between the given pipelines and steps are as in earnest, and functions run in the caller's process. The first pipeline is
 * the one that runs; further ones are those that it is connected with. Rejects where a pipeline is wrong.
 */
export const runOnce = async (
  pipelines: Pipeline | readonly Pipeline[],
  { files = {}, base = process.cwd() }: RunOnceOptions = {},
): Promise<Finished> => {
  const given = Array.isArray(pipelines) ? (pipelines as readonly Pipeline[]) : [pipelines as Pipeline]
  const mistakes = given.flatMap((pipeline) => mistakesIn(pipeline).map((mistake) => `${pipeline.name}.${mistake}`))
  if (mistakes.length > 0) throw faults.badConfig('runOnce', mistakes)
  const folder = mkdtempSync(join(tmpdir(), 'millrace-once-'))
  const ended = new AbortController()
  const held: Promise<unknown>[] = []
  try {
    const holding = (task: Promise<unknown>) => void held.push(task)
    const stage = await openRehearsal(given, files, { folder, signal: ended.signal, holding })
    const lines: Line[] = []
    const waits = await stage.plan()
    if (waits === undefined) await executeAll(stage, lines, resolve(base))
    return await finishedOf(stage, lines, waits)
  } finally {
    ended.abort(new Error('The run is over'))
    await Promise.allSettled(held)
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
  }
}

/** Executes what is scheduled until nothing is, one node after the other in the order of their names. */
const executeAll = async (stage: Rehearsed, lines: Line[], base: string): Promise<void> => {
  const ask = (type: string, data: object) =>
    stage.runs.handle(stage.run, commandFrom({ address: stage.run, type, data }, stage.bus.principal))
  for (;;) {
    const { state } = await stage.runs.current(stage.run)
    const [part, node] =
      Object.entries(state.nodes).find(([, one]) => one.state === 'scheduled' || one.state === 'retrying') ?? []
    if (part === undefined || node === undefined) return
    if (node.state === 'retrying') {
      await ask('run.retry-node', { part, attempt: node.attempt + 1 })
      continue
    }
    const execution = { part, attempt: node.attempt, delivery: 1, instance: 'once' }
    await ask('run.start-node', { ...execution, host: 'here' })
    const result = await execute(stage, part, node, { lines, base })
    await stage.outbox.flushed()
    await ask('run.report-node', { ...execution, result })
  }
}

const execute = async (
  { bus, nodes, pipelines, run: address, signal }: Rehearsed,
  part: string,
  { attempt, timeout }: Node,
  { lines, base }: { readonly lines: Line[]; readonly base: string },
): Promise<Result> => {
  const pipeline = pipelines.find(({ name }) => part.startsWith(`${name}/`))
  const own = pipeline && nodes.get(pipeline.name)
  const node = part.slice((pipeline?.name.length ?? 0) + 1)
  const action = pipeline?.actions[node]
  if (!pipeline || !own || !action) return { outcome: 'errored', reason: `${part} is of no pipeline that was given` }
  const { events } = await bus.read(address)
  const scheduled = events.flatMap((event) => scheduledIn(event, part) ?? []).at(-1) as Scheduled
  const stopping = new AbortController()
  const execution = { part, attempt, delivery: 1, instance: 'once' }
  const serve = servicesFor(own, scheduled, execution, () => undefined)
  const needed = AbortSignal.any([stopping.signal, signal])
  const call = <T>(of: string, verb: string, args: unknown): Promise<T> =>
    answeredUntil(signal, () => serve(of, verb, args, needed) as Promise<T>)
  const assignment = {
    kind: 'run' as const,
    node,
    run: { pipeline: address.scope, number: Number(address.key), attempt },
    inputs: (await givenTo(own, scheduled)).inputs,
    mark: '',
  }
  const say = (level: Line['level']) => (text: string) => void lines.push({ node: part, level, text: String(text) })
  const { context, allDone } = contextOf({ pipeline, call, say, signal: stopping.signal }, assignment)
  const used = (of: string, path: string, digest: string) => call(of, 'used', { path, digest })
  const doing = takeSteps(action, {
    context,
    program: (exec) =>
      runProgram(exec, {
        ...{ base, pipeline, assignment, context, used },
        write: (output, text) => {
          for (const line of text.split('\n')) if (line) say(output === 'stdout' ? 'info' : 'warn')(line)
          return true
        },
        stop: (pid) => void process.kill(pid, 'SIGTERM'),
      }),
    allDone,
    turn: () => undefined,
    threw: (cause) => cause instanceof Error && say('error')(cause.stack ?? reasonOf(cause)),
  })
  if (timeout === undefined) return doing
  const patience = new AbortController()
  const late = { outcome: 'errored' as const, reason: tooLong(timeout) }
  const patient = delay(timeout, late, { signal: patience.signal, ref: false }).catch(() => doing)
  const end = await Promise.race([doing, patient])
  patience.abort()
  if (end === late) stopping.abort(new Error(late.reason))
  return end
}

/** Once `signal` has aborted, a function is as one whose process has been stopped: nothing that it asks comes to an end. */
const answeredUntil = <T>(signal: AbortSignal, ask: () => Promise<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    if (signal.aborted) return
    ask().then(
      (answer) => signal.aborted || resolve(answer),
      (cause) => signal.aborted || reject(cause),
    )
  })
