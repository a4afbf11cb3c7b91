import type { Command } from 'commander'
import { Fault } from '#bus/fault'
import { readResource } from './experiment-create.ts'
import { gitLinkIn, gitRefIn, withExperiment } from './experiment-words.ts'
import { inSession, type SessionOptions } from './session.ts'
import { printAnswer } from './words.ts'

type Options = SessionOptions & {
  readonly name?: string
  readonly description?: string
  readonly git?: string
  readonly ref?: string | false
  readonly resource?: string
}

export const experimentUpdate = (experiment: Command): void => {
  withExperiment(experiment.command('update'))
    .description('describe an experiment anew, until it is in the testbed; what is left out stays as it is (its user)')
    .option('--name <text>', 'what people call it')
    .option('--description <text>', 'what it is for')
    .option('--git <link>', 'its repository', gitLinkIn)
    .option('--ref <name>', 'a branch or a tag', gitRefIn)
    .option('--no-ref', 'what the repository begins with')
    .option('--resource <file>', 'its resource definition, as YAML: nodeType, capabilities, count, sites, hours')
    .addHelpText(
      'after',
      '\nWhat has been begun goes on as it was: terminate and initiate it, so that it holds.\n\nExample:\n  millrace experiment update rover-7k2m9x --ref mended --as carol',
    )
    .action((id: string, { name, description, git, ref, resource: file, ...options }: Options) => {
      if ([name, description, git, ref, file].every((one) => one === undefined))
        throw new Fault(
          'contract.broken',
          `Nothing is said that is to be other of ${id}: give --name, --description, --git, --ref or --resource`,
        )
      return inSession(options, async ({ client, json }) => {
        const resource = file === undefined ? undefined : await readResource(file)
        const sourceNow = async () => {
          const { link, ref: before } = (await client.experiments.get(id)).experiment.source
          const kept = ref === false ? undefined : (ref ?? before)
          return { link: git ?? link, ...(kept !== undefined && { ref: kept }) }
        }
        const source = git === undefined && ref === undefined ? undefined : await sourceNow()
        const answer = await client.experiments.order(id, 'update', {
          ...(name !== undefined && { name }),
          ...(description !== undefined && { description }),
          ...(source && { source }),
          ...(resource && { resource }),
        })
        printAnswer(answer, json)
      })
    })
}
