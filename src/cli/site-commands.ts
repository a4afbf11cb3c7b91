import type { Command } from 'commander'
import { Fault } from '#bus/fault'
import type { Client } from '#client/client'
import { partOfSite, placeOfPart } from '#contracts/experiment-parts'
import { exitCodeOfRefusal } from './exit.ts'
import { followStep } from './following.ts'
import { print } from './print.ts'
import { inSession, type SessionOptions, withSession } from './session.ts'

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
        const answer = await client.experiments.order(id, 'package', { site })
        if (!answer.accepted) {
          print(answer.detail)
          process.exitCode = exitCodeOfRefusal(answer.refusal)
          return
        }
        print(`${site} builds ${id}`)
        if (detach) return
        const part = partOfSite(site)
        const ended = await followStep(session, { id, part, step: 'build' })
        print(`The build of ${id} at ${site} ${ended?.state ?? 'goes on'}${ended?.reason ? `: ${ended.reason}` : ''}`)
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
        await Promise.all(
          nodes.map(async (part) => {
            const whole = partOfSite(placeOfPart(part).site)
            const probed = await followStep(session, { id, part: whole, step: 'probe' })
            if (probed?.state !== 'succeeded') return print(`${part} does not run: ${probed?.reason ?? 'unknown'}`)
            const ran = await followStep(session, { id, part, step: 'run' })
            if (ran?.results) await followStep(session, { id, part, step: 'collect' })
            print(`The run on ${part} ${ran?.state ?? 'goes on'}${ran?.reason ? `: ${ran.reason}` : ''}`)
          }),
        )
      }),
    )
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
