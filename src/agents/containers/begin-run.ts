import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, posix } from 'node:path'
import { Fault } from '#bus/fault'
import type { Machine } from '../machines/machine.ts'
import type { DockerCli } from './docker-cli.ts'
import { projectOf, type RunIdentity, runLabels } from './run-identity.ts'

/** Where a machine keeps what it must know of a run: beside the delivered folder, so that delivering again does not remove it. */
const kept = (folder: string, run: RunIdentity): string => {
  const name = posix.basename(posix.normalize(folder))
  if (!/^\w[\w. -]*$/.test(name)) throw new Fault('run.folder', `${folder} can't be the folder of an experiment`)
  return `../${name}.runs/${projectOf(run)}`
}

const inFolder = async (
  machine: Machine,
  folder: string,
  program: readonly [string, ...string[]],
  signal: AbortSignal,
) => {
  const ended = await machine.run(program, { folder, signal })
  return ended.code === 0 ? undefined : ended
}

/**
 * Notes on the machine's disk that a run begins, before it does. It is there for ever: a run that has begun is never started anew,
 * even if everything else of it is gone.
 */
export const noteBegun = async (
  machine: Machine,
  folder: string,
  run: RunIdentity,
  signal: AbortSignal,
): Promise<void> => {
  const place = kept(folder, run)
  for (const program of [
    ['mkdir', '-p', `${place}/begun`],
    ['sync', `${place}/begun`, place, posix.dirname(place)],
  ] as const) {
    const broken = await inFolder(machine, folder, program, signal)
    if (broken)
      throw new Fault(
        'run.marker',
        `${machine.name} can't note that the run begins (${program[0]} in ${folder}): ${broken.lastWords.trim()}. Make room there, or mend its rights`,
      )
  }
}

/** Whether a run had begun on this machine once. Rejects where nothing was delivered, and where that can't be told. */
export const hasBegun = async (
  machine: Machine,
  folder: string,
  run: RunIdentity,
  signal: AbortSignal,
): Promise<boolean> => {
  if (!(await holds(machine, folder, ['-f', 'docker-compose.yml'], signal)))
    throw new Fault(
      'run.not-delivered',
      `${machine.name} holds no docker-compose.yml in ${folder}. Where an end node has a file of its own, its 'folder' has to be that of the node in the site's file: see to that, then terminate and begin anew`,
    )
  return holds(machine, folder, ['-d', `${kept(folder, run)}/begun`], signal)
}

const holds = async (machine: Machine, folder: string, what: readonly string[], signal: AbortSignal) => {
  const broken = await inFolder(machine, folder, ['test', ...what], signal)
  if (!broken || broken.code === 1) return !broken
  throw new Fault(
    'run.marker',
    `${machine.name} can't tell what lies in ${folder} (test ended with ${broken.code ?? broken.killedBy}): ${broken.lastWords.trim()}. See that the folder can be read`,
  )
}

/** What the delivered file can't know, laid over it: the run's labels, and that it never starts again. */
const override = (run: RunIdentity): string =>
  JSON.stringify({ services: { experiment: { labels: runLabels(run), restart: 'no' } } })

/** The arguments that name the files and the project of a run to Compose, once `run.yml` lies on the machine. */
export const composeArgs = async (
  { machine }: DockerCli,
  folder: string,
  run: RunIdentity,
  signal: AbortSignal,
): Promise<readonly string[]> => {
  const place = kept(folder, run)
  const made = await inFolder(machine, folder, ['mkdir', '-p', place], signal)
  if (made) throw new Fault('run.marker', `${machine.name} can't keep ${place} in ${folder}: ${made.lastWords.trim()}`)
  const scratch = await mkdtemp(join(tmpdir(), 'millrace-'))
  try {
    await writeFile(join(scratch, 'run.yml'), override(run))
    await machine.send(scratch, posix.join(folder, place), { signal })
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
  return ['-p', projectOf(run), '-f', 'docker-compose.yml', '-f', `${place}/run.yml`]
}
