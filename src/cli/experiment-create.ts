import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import type { Command } from 'commander'
import { Fault, reasonOf } from '#bus/fault'
import { resourceDefinition } from '#contracts/resource'
import { gitLinkIn, gitRefIn } from './experiment-words.ts'
import { print } from './print.ts'
import { inSession, type SessionOptions, withSession } from './session.ts'
import { printAnswer } from './words.ts'

type Options = SessionOptions & {
  readonly project: string
  readonly name: string
  readonly description?: string
  readonly git: string
  readonly ref?: string
  readonly resource: string
  readonly cloud?: string
}

export const experimentCreate = (experiment: Command): void => {
  withSession(experiment.command('create'))
    .description('make an experiment; prints its id, and how it goes on')
    .requiredOption('--project <name>', 'the project that it belongs to')
    .requiredOption('--name <text>', 'what people call it')
    .option('--description <text>', 'what it is for')
    .requiredOption(
      '--git <link>',
      'its repository: https://host/path, ssh://user@host/path, user@host:path, or file:///path where the portal takes such',
      gitLinkIn,
    )
    .option('--ref <name>', 'a branch or a tag; what the repository begins with unless said', gitRefIn)
    .requiredOption(
      '--resource <file>',
      'its resource definition, as YAML: nodeType, capabilities, count, sites, hours',
    )
    .option('--cloud <link>', 'where its results go: s3://…, webdav+https://…, a signed URL, or directory:<folder>')
    .addHelpText(
      'after',
      '\nExample:\n  millrace experiment create --project rover --name "Lidar at dawn" --git https://github.com/carol/dawn.git \\\n    --resource resource.yaml --cloud directory:carol/dawn --as carol',
    )
    .action(({ project, name, description = '', git, ref, resource: file, cloud, ...options }: Options) =>
      inSession(options, async ({ client, json }) => {
        const resource = await readResource(file)
        const source = { link: git, ...(ref !== undefined && { ref }) }
        const { id, answer } = await client.experiments.create(
          project,
          {
            ...{ name, description, source, resource },
          },
          cloud,
        )
        printAnswer(answer, json, { experiment: id })
        if (answer.accepted && !json) print(`To have it built: millrace experiment initiate ${id}`)
      }),
    )
}

/** A resource definition; a fault where it can't be read, or with the line of each mistake. */
export const readResource = async (file: string) => {
  const bytes = await readFile(file).catch((cause: unknown) => {
    throw new Fault('config.missing', `${file} can't be read: ${reasonOf(cause)}`, { cause })
  })
  const { parseShaped } = await import('#agents/experiments/yaml-shape')
  const example = 'nodeType: Rover\ncapabilities: [lidar]\ncount: 1\nsites: [north]\nhours: 2'
  return parseShaped(resourceDefinition, bytes, {
    ...{ name: basename(file), code: 'config.wrong', example, mostValues: 1_000 },
  })
}
