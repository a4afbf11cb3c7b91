import type { DockerCli } from './docker-cli.ts'
import { projectOf, type RunIdentity } from './run-identity.ts'

/** What the engine says of a container. Sizes and limits are in bytes, times in milliseconds. */
export type ContainerState = {
  readonly status: 'created' | 'running' | 'over'
  /** How long it has run, by the engine's own clock. */
  readonly ran: number
  readonly exitCode: number
  readonly killedForMemory: boolean
  readonly memory: number
  /** Why it could not be started; empty where it could. */
  readonly error: string
  /** What it has written outside its volumes. */
  readonly written: number
}

const format = '{"state":{{json .State}},"memory":{{json .HostConfig.Memory}},"written":{{json .SizeRw}}}'

type Inspected = {
  readonly state: {
    readonly Status: string
    readonly Running: boolean
    readonly OOMKilled: boolean
    readonly ExitCode: number
    readonly Error: string
    readonly StartedAt: string
    readonly FinishedAt: string
  }
  readonly memory: number
  readonly written: number | null
}

/** The id of a run's container, wherever it stands; undefined where there is none. */
export const findContainer = async (
  docker: DockerCli,
  run: RunIdentity,
  signal: AbortSignal,
): Promise<string | undefined> => {
  const filters = [`label=com.docker.compose.project=${projectOf(run)}`, `label=millrace.experiment=${run.experiment}`]
  const found = await docker.ask(
    ['ps', '-a', '-q', '--no-trunc', ...filters.flatMap((filter) => ['--filter', filter])],
    signal,
  )
  return /^[0-9a-f]{64}/.exec(found)?.[0]
}

/** What the engine says of a container now; undefined where it knows none of this id. */
export const lookAt = async (
  docker: DockerCli,
  id: string,
  signal: AbortSignal,
): Promise<ContainerState | undefined> => {
  const text = await docker
    .ask(['inspect', '--type', 'container', '--size', '--format', format, id], signal)
    .catch((thrown: Error) => {
      if (/No such container/i.test(thrown.message)) return undefined
      throw thrown
    })
  if (text === undefined) return undefined
  const { state, memory, written } = JSON.parse(text) as Inspected
  const started = timeOf(state.StartedAt)
  const until = state.Running ? await engineTime(docker, signal) : timeOf(state.FinishedAt)
  const waits = state.Status === 'created' || started === undefined
  return {
    status: waits ? 'created' : state.Running || state.Status === 'paused' ? 'running' : 'over',
    ran: started === undefined || until === undefined ? 0 : Math.max(0, until - started),
    exitCode: state.ExitCode,
    killedForMemory: state.OOMKilled,
    memory,
    error: state.Error,
    written: written ?? 0,
  }
}

/** Whether the engine noted that a container ran out of memory: where much happens, it does so after the container's end. */
export const ranOutOfMemory = async (docker: DockerCli, id: string, signal: AbortSignal): Promise<boolean> => {
  const filters = ['--filter', `container=${id}`, '--filter', 'event=oom']
  const events = ['events', '--since', '24h', '--until', '0s', ...filters, '--format', '{{.Status}}{{.Action}}']
  return (await docker.ask(events, signal).catch(() => '')).includes('oom')
}

const engineTime = async (docker: DockerCli, signal: AbortSignal): Promise<number | undefined> =>
  timeOf(await docker.ask(['info', '--format', '{{.SystemTime}}'], signal))

/** The engine writes the year 1 where there is no time. */
const timeOf = (text: string): number | undefined => {
  const time = Date.parse(text)
  return time > 0 ? time : undefined
}

const units: Readonly<Record<string, number>> = { B: 1, kB: 1e3, KB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12, PB: 1e15 }

/**
 * How much lies in the volumes of a run, in bytes, to about three digits. Nothing runs in the container for it. Undefined where the
 * engine is just counting for somebody else.
 */
export const volumeSize = async (
  docker: DockerCli,
  run: RunIdentity,
  signal: AbortSignal,
): Promise<number | undefined> => {
  const project = projectOf(run)
  const text = await docker
    .ask(['system', 'df', '-v', '--format', '{{range .Volumes}}{{.Name}} {{.Size}}{{println}}{{end}}'], signal)
    .catch((thrown: Error) => {
      if (/already running/i.test(thrown.message)) return undefined
      throw thrown
    })
  return text?.split('\n').reduce((sum, line) => {
    const [, name, amount, unit = ''] = /^(\S+) ([\d.]+)\s*([A-Za-z]+)$/.exec(line.trim()) ?? []
    return name?.startsWith(`${project}_`) ? sum + Number(amount) * (units[unit] ?? 1) : sum
  }, 0)
}
