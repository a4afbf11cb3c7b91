import type { Command } from 'commander'
import { Fault } from '#bus/fault'
import type { Client } from '#client/client'
import { partOfSite, placeOfPart, type StepName } from '#contracts/experiment-parts'
import type { Step } from '#contracts/experiment-state'
import { exitCodeOfRefusal } from './exit.ts'
import { endOfOutput, followStep } from './following.ts'
import { print } from './print.ts'
import { printableLines } from './printable.ts'
import { inSession, type Session, type SessionOptions, withSession } from './session.ts'

type Options = SessionOptions & { readonly site?: string }

/** The commands that operators know: each asks the experiment, and follows what happens. */
export const packageBuilderVerb = (program: Command): void => {
  withSession(program.command('package-builder'))
    .description('let the site server build an experiment, and follow it')
    .requiredOption('--pkg <id>', 'the experiment')
    .option('--site <name>', 'the site; that of the experiment where it has one alone')
    .option('--detach', 'ask, and do not follow')
    .addHelpText('after', '\nExample:\n  millrace package-builder --pkg rover-7k2m9x --as olga')
    .action(({ pkg: id, detach, ...options }: Options & { readonly pkg: string; readonly detach?: boolean }) =>
      inSession(options, async (session) => {
        const { client } = session
        const site = options.site ?? (await onlySite(client, id))
        const before = detach ? 0 : await endOfOutput(session, id)
        const answer = await client.experiments.order(id, 'package', { site })
        if (!answer.accepted) {
          print(answer.detail)
          process.exitCode = exitCodeOfRefusal(answer.refusal)
          return
        }
        print(`${site} builds ${id}`)
        if (detach) return
        const what = `The build of ${id} at ${site}`
        // A build that is under way, or over, already is shown from its beginning.
        const after = answer.events.length > 0 ? before : 0
        const followed = followStep(session, { id, part: partOfSite(site), step: 'build', after })
        print(ending(what, await goingOn(session, id, what, followed)))
      }),
    )
}

export const controlModuleVerb = (program: Command): void => {
  withSession(program.command('control-module'))
    .description('run an experiment on its end nodes, and follow it')
    .requiredOption('--exp <id>', 'the experiment')
    .option('--site <name>', 'only at this site')
    .addHelpText('after', '\nExample:\n  millrace control-module --exp rover-7k2m9x --as olga')
    .action(({ exp: id, ...options }: Options & { readonly exp: string }) =>
      inSession(options, async (session) => {
        const { client } = session
        const { site } = options
        const after = await endOfOutput(session, id)
        const answer = await client.experiments.order(id, 'run', site === undefined ? {} : { sites: [site] })
        if (!answer.accepted) {
          print(answer.detail)
          process.exitCode = exitCodeOfRefusal(answer.refusal)
          return
        }
        const { experiment } = await client.experiments.get(id)
        const nodes = Object.entries(experiment.sites)
          .filter(([name]) => (site ?? name) === name)
          .flatMap(([, { nodes }]) => nodes)
        print(`Run ${experiment.run} of ${id} on ${nodes.join(', ')}`)
        const sites = [...Map.groupBy(nodes, (part) => placeOfPart(part).site)]
        const followed = Promise.all(
          sites.map(([site, there]) => followRun(session, { id, site, nodes: there, after })),
        )
        const failures = await goingOn(session, id, `Run ${experiment.run} of ${id}`, followed)
        for (const failure of failures.flat()) print(failure)
      }),
    )
}

type FollowedRun = {
  readonly id: string
  readonly site: string
  readonly nodes: readonly string[]
  /** Where what was printed before it ends. */
  readonly after: number
}

/** Follows a run at one site until what it has left lies there. Resolves with what did not succeed, and why: that is to stand last. */
const followRun = async (session: Session, { id, site, nodes, after }: FollowedRun): Promise<string[]> => {
  const failures: string[] = []
  const follow = async (what: string, part: string, step: StepName): Promise<Step | undefined> => {
    const ended = await followStep(session, { id, part, step, after })
    if (ended?.state === 'succeeded') print(ending(what, ended))
    else failures.push(ending(what, ended))
    return ended
  }
  const probed = await follow(`The probe of where the results of ${site} go`, partOfSite(site), 'probe')
  if (probed?.state !== 'succeeded') return failures
  await Promise.all(
    nodes.map(async (part) => {
      const ran = await follow(`The run on ${part}`, part, 'run')
      if (ran?.results) await follow(`Collecting what it left on ${part}`, part, 'collect')
    }),
  )
  return failures
}

/** How something ended, and why where that is known. */
const ending = (what: string, step: Step | undefined): string =>
  printableLines(`${what} ${step?.state ?? 'goes on'}${step?.reason ? `: ${step.reason}` : ''}`)

/** Resolves as what is followed does; somebody who stops following meanwhile is told that it is only that. */
const goingOn = async <T>({ signal }: Session, id: string, what: string, followed: Promise<T>): Promise<T> => {
  const say = () => process.stderr.write(`${what} goes on. See: millrace experiment logs ${id} --follow\n`)
  signal.addEventListener('abort', say)
  try {
    return await followed
  } finally {
    signal.removeEventListener('abort', say)
  }
}

const onlySite = async (client: Client, id: string): Promise<string> => {
  const sites = Object.keys((await client.experiments.get(id)).experiment.sites)
  const [site] = sites
  if (site !== undefined && sites.length === 1) return site
  throw new Fault(
    'contract.broken',
    sites.length === 0 ? `${id} is not being developed` : `${id} is at ${sites.join(', ')}: say which one with --site`,
  )
}
