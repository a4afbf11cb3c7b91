import { setTimeout as delay } from 'node:timers/promises'
import { Fault } from '#bus/fault'
import type { DockerCli } from './docker-cli.ts'
import { shortly } from './docker-cli.ts'
import { projectsOf, type RunIdentity } from './run-identity.ts'

/** What of an experiment an engine holds, by kind: ids or names. */
type Found = Readonly<Record<'container' | 'volume' | 'network' | 'image', readonly string[]>>

/** So often it is cleaned before what is left counts as stuck; and the pause between, in milliseconds. */
const [times, pause] = [4, 500]

/**
 * Removes everything of an experiment that an engine holds for one node: containers, volumes, networks and images, by the
 * experiment's label alone. What carries no such label stays, and so does what another node of this engine uses. Resolves once the
 * engine, asked again, holds nothing more; rejects with what is left.
 */
export const cleanEngine = async (docker: DockerCli, run: RunIdentity, signal: AbortSignal): Promise<void> => {
  const complaints = new Set<string>()
  for (let time = 0; time < times; time++) {
    if (time > 0) await delay(pause, undefined, { signal })
    const found = await find(docker, run, signal)
    if (Object.values(found).every((ids) => ids.length === 0)) return
    complaints.clear()
    for (const [kind, ids] of Object.entries(found))
      for (const id of ids)
        await docker
          .ask([kind, 'rm', ...(kind === 'container' ? ['-f', '-v'] : kind === 'network' ? [] : ['-f']), id], signal)
          .catch((thrown) => complaints.add(shortly(thrown)))
  }
  const left = Object.entries(await find(docker, run, signal)).flatMap(([kind, ids]) =>
    ids.map((id) => `${kind} ${id}`),
  )
  if (left.length === 0) return
  throw new Fault(
    'engine.not-clean',
    `The engine of ${docker.machine.name} still holds something of experiment ${run.experiment}: ${left.join(', ')}. ${[...complaints].join('. ')}. Remove it there by hand`,
  )
}

const find = async (docker: DockerCli, run: RunIdentity, signal: AbortSignal): Promise<Found> => {
  const label = ['--filter', `label=millrace.experiment=${run.experiment}`]
  const ask = async (args: readonly string[]) =>
    (await docker.ask(args, signal)).split('\n').filter((line) => line !== '')
  const ours = projectsOf(run)
  /** What carries the label and belongs to no other node: the project says whose it is. */
  const mine = async (args: readonly string[], id: string) =>
    (await ask([...args, ...label, '--format', `{{${id}}}|{{.Label "com.docker.compose.project"}}`])).flatMap(
      (line) => {
        const [found = '', project = ''] = line.split('|')
        return project === '' || project.startsWith(ours) ? [found] : []
      },
    )
  const [container, volume, network, images] = await Promise.all([
    mine(['ps', '-a', '--no-trunc'], '.ID'),
    mine(['volume', 'ls'], '.Name'),
    mine(['network', 'ls', '--no-trunc'], '.ID'),
    ask(['images', '-q', '--no-trunc', ...label]),
  ])
  const image: string[] = []
  for (const id of new Set(images)) {
    const users = await ask(['ps', '-a', '-q', '--no-trunc', '--filter', `ancestor=${id}`])
    if (users.every((user) => container.includes(user))) image.push(id)
  }
  return { container, volume, network, image }
}
