import type { Command } from 'commander'
import { projectOf } from '#contracts/experiment-parts'
import { withExperiment } from './experiment-words.ts'
import { print } from './print.ts'
import { inSession, type SessionOptions } from './session.ts'
import { printAnswer } from './words.ts'

/** The verb that makes an experiment once more. */
export const experimentClone = (experiment: Command): void => {
  withExperiment(experiment.command('clone'))
    .description('make an experiment like another one: what is to be run again after it was submitted')
    .option('--name <text>', 'what people call it; that of the other one unless said')
    .option(
      '--cloud <link>',
      'where its results go: a folder of the portal stays unless said, what has secrets does not',
    )
    .addHelpText(
      'after',
      '\nExample:\n  millrace experiment clone rover-7k2m9x --cloud directory:carol/again --as carol',
    )
    .action((of: string, { name, cloud, ...options }: SessionOptions & { name?: string; cloud?: string }) =>
      inSession(options, async ({ client, json }) => {
        const { experiment, events } = await client.experiments.get(of)
        const described = events.findLast(
          ({ type, data }) =>
            ['experiment.created', 'experiment.updated'].includes(type) && 'description' in (data as object),
        )
        const { description = '' } = (described?.data ?? {}) as { readonly description?: string }
        const { source, resource, cloudLink } = experiment
        const kept = cloudLink?.kind === 'directory' ? `directory:${cloudLink.path}` : undefined
        const about = { name: name ?? experiment.name, description, source, resource, cloneOf: of }
        const { id, answer } = await client.experiments.create(projectOf(of), about, cloud ?? kept)
        printAnswer(answer, json, { experiment: id })
        if (answer.accepted && !json && cloud === undefined && kept === undefined)
          print(`Before it is run, say where its results go: millrace experiment set-cloud-link ${id} --cloud <link>`)
      }),
    )
}
