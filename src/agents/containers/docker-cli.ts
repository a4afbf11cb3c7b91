import type { Writable } from 'node:stream'
import { Fault, reasonOf } from '#bus/fault'
import type { Ended, Machine, RunOptions } from '../machines/machine.ts'
import { essenceOf } from './essence.ts'

type Hear = RunOptions['hear']

/** The `docker` program of a machine, and its Compose. Each rejects where it ends with anything but 0: see `isAway`. */
export type DockerCli = {
  readonly machine: Machine
  /** Resolves with what it printed. */
  readonly ask: (args: readonly string[], signal: AbortSignal) => Promise<string>
  /** Runs it and keeps nothing: what it prints is heard, or goes to `output` byte by byte. */
  readonly stream: (
    args: readonly string[],
    options: { readonly signal: AbortSignal; readonly hear?: Hear; readonly output?: Writable },
  ) => Promise<void>
  /** Runs Compose in a folder. */
  readonly compose: (folder: string, args: readonly string[], signal: AbortSignal, hear?: Hear) => Promise<void>
  /** Starts a container that was made. */
  readonly start: (container: string, signal: AbortSignal) => Promise<unknown>
}

/** No answer is kept that is longer, in characters. */
const longest = 8 * 1024 * 1024

const noEngine =
  /Cannot connect to the Docker daemon|error during connect|Is the docker daemon running|permission denied.*docker|(^|: )unexpected EOF$/im

/**
 * The docker program of a machine, told to speak to the engine at `host` where one is given (as in DOCKER_HOST). Finds out once
 * whether Compose is a plugin (`docker compose`) or a program of its own (`docker-compose`). Rejects where either is missing or no
 * engine answers, saying what to do. `ran` is told each command that Compose runs, and the start of each container.
 */
export const findDocker = async (
  machine: Machine,
  host: string | undefined,
  signal: AbortSignal,
  ran?: (program: readonly string[]) => void,
): Promise<DockerCli> => {
  if (host !== undefined && !/^(unix:\/\/\/|tcp:\/\/)[\w.:/[\]-]+$/.test(host))
    throw new Fault(
      'engine.address',
      `'${host}' is no address of a Docker engine: expected unix:///… or tcp://host:port`,
    )
  const at = host === undefined ? [] : ['-H', host]
  const docker = ['docker', ...at] as const
  const start = async (program: readonly [string, ...string[]], options: RunOptions): Promise<void> => {
    const ended = await machine.run(program, options)
    if (ended.code !== 0) throw troubleOf(machine.name, program, ended)
  }
  const ask = async (args: readonly string[], signal: AbortSignal): Promise<string> => {
    let printed = ''
    const hear = (stream: 'stdout' | 'stderr', line: string) => {
      if (stream === 'stdout' && printed.length < longest) printed += `${line}\n`
    }
    await start([...docker, ...args], { signal, hear })
    return printed.trim()
  }
  await ask(['version', '--format', '{{.Server.Version}}'], signal)
  const compose = await findCompose(machine, docker, at, signal)
  return {
    machine,
    ask,
    stream: (args, options) => start([...docker, ...args], options),
    compose: (folder, args, signal, hear) => {
      ran?.([...compose, ...args])
      return start([...compose, ...args], { signal, folder, hear })
    },
    start: (container, signal) => {
      ran?.([...docker, 'start', container])
      return ask(['start', container], signal)
    },
  }
}

type Program = readonly [string, ...string[]]

const findCompose = async (machine: Machine, docker: Program, at: readonly string[], signal: AbortSignal) => {
  for (const [program, words] of [
    [
      [...docker, 'compose'],
      ['version', '--short'],
    ],
    [
      ['docker-compose', ...at],
      ['version', '--short'],
    ],
  ] as const) {
    let printed = ''
    const hear = (stream: string, line: string) => {
      if (stream === 'stdout') printed += line.slice(0, 100)
    }
    const ended = await machine
      .run([...(program as unknown as Program), ...words], { signal, hear })
      .catch((thrown) => {
        if (signal.aborted || Object(thrown).code !== 'machine.no-program') throw thrown
        return undefined
      })
    if (ended?.code === 0 && /^v?\d+\.\d+/.test(printed.trim())) return program as unknown as Program
  }
  throw new Fault(
    'engine.no-compose',
    `${machine.name} has neither docker compose nor docker-compose. Install one of them there, such as the package docker-compose-plugin`,
  )
}

const troubleOf = (machine: string, program: Program, { code, killedBy, lastWords }: Ended): Fault => {
  const words = essenceOf(lastWords)
  const shown = program.filter((_, at) => program[1] !== '-H' || (at !== 1 && at !== 2)).join(' ')
  if (code === 127)
    return new Fault('engine.no-docker', `${machine} has no ${program[0]}. Install it there (package docker.io)`)
  if (noEngine.test(words))
    return new Fault(
      'engine.unreachable',
      `No Docker engine answers on ${machine}: ${words.replace(/[.?!]+$/, '')}. Start it there with: systemctl start docker; or correct where its file says that it is ('engine')`,
    )
  const [, missing] = /bind source path does not exist: (\S+)/.exec(words) ?? []
  if (missing !== undefined)
    return new Fault(
      'engine.refused',
      `${machine} has no ${missing}, which 'container.mounts' of its site's file names. Make it there, and retry; or correct that file, and have it built anew`,
    )
  const how = code === null ? `was ended by ${killedBy}` : `ended with ${code}`
  return new Fault('engine.refused', `${shown.slice(0, 200)} on ${machine} ${how}: ${words || 'it said nothing'}`, {
    cause: new Error(words || how),
  })
}

/** Whether it was the machine or its engine that was away, so that nobody knows what holds there now. */
export const isAway = (thrown: unknown): boolean =>
  !(thrown instanceof Fault) || !/^(engine\.(refused|no-|not-clean|address)|results\.|run\.|limit\.)/.test(thrown.code)

/** What was said, in one line. */
export const shortly = (thrown: unknown): string => reasonOf(thrown).replace(/\s+/g, ' ').slice(0, 500)

/** What docker itself has said, without the command that it was said to. */
export const saidBy = (thrown: unknown): string =>
  shortly(thrown instanceof Fault && thrown.code === 'engine.refused' ? (thrown.cause ?? thrown) : thrown)
