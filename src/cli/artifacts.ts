import { basename } from 'node:path'
import { type Command, Option } from 'commander'
import { Fault } from '#bus/fault'
import { type ArtifactState, artifactStates } from '#contracts/artifact'
import { artifactSays } from './artifact-says.ts'
import { limit } from './options.ts'
import { printOne, printPage } from './print.ts'
import { progress } from './progress.ts'
import { inSession, type SessionOptions, withSession } from './session.ts'
import { tagsIn } from './tags.ts'
import { withAt } from './words.ts'

type Listing = SessionOptions & {
  readonly pipeline?: string
  readonly path?: string
  readonly at?: string
  readonly status?: ArtifactState
  readonly run?: string
  readonly limit: number
}

export const artifactsVerb = (program: Command): void => {
  const artifacts = program.command('artifacts').description('list, fetch, send and tag artifacts')

  withAt(withSession(artifacts.command('ls [store]')))
    .description('list artifacts, of one store or of all')
    .option('--pipeline <name>', 'whose metadata to read; by default the first that answers')
    .option('--path <path>', 'only this path; model* for all that begin so')
    .addOption(new Option('--status <state>', 'only what this happened to last').choices(artifactStates))
    .option('--run <run>', 'only what this run did last, as <pipeline>/<number>')
    .option('--limit <n>', 'how many', limit, 100)
    .addHelpText('after', '\nExample:\n  millrace artifacts ls root_pipeline/model_registry')
    .action((store: string | undefined, { pipeline: metadata, path, at, status: state, run, ...options }: Listing) =>
      inSession(options, async ({ client, json }) => {
        const page = await client.artifacts.list({ metadata, store, path, at, state, run, limit: options.limit })
        printPage(page, ['store', 'path', 'state', 'size', 'run', 'digest'], json)
      }),
    )

  withSession(artifacts.command('get <store> <path>'))
    .description('fetch an artifact, verified, into a file')
    .option('--out <file>', 'where to write it; by default its own name, here')
    .option('--force', 'overwrite a file that is there')
    .addHelpText('after', '\nExample:\n  millrace artifacts get root_pipeline/model_registry model0.txt')
    .action((store: string, path: string, options: SessionOptions & { out?: string; force?: boolean }) =>
      inSession(options, async ({ client, json, signal }) => {
        const out = options.out ?? basename(path)
        const how = { overwrite: options.force, signal, progress: progress(`fetching ${out}`) }
        const { file, size, digest } = await client.artifacts.get(store, path, out, how).catch((cause: unknown) => {
          if (!(cause instanceof Fault && cause.code === 'store.taken')) throw cause
          throw new Fault('store.taken', `${cause.message}: use --out or --force`)
        })
        printOne({ file, size, digest }, json)
      }),
    )

  withSession(artifacts.command('put <store> <file> [path]'))
    .description('send a file to a store; done when it lies verified there')
    .option('--tag <key=value...>', 'tags for it')
    .option('--overwrite', 'replace what lies there')
    .addHelpText(
      'after',
      '\nExample:\n  millrace artifacts put root_pipeline/plots_store plot.png run7/plot.png --tag kind=loss',
    )
    .action(
      (
        store: string,
        file: string,
        path: string | undefined,
        options: SessionOptions & { tag?: string[]; overwrite?: boolean },
      ) =>
        inSession(options, async ({ client, json, signal }) => {
          const how = { overwrite: options.overwrite, signal, progress: progress(`sending ${file}`) }
          const tags = tagsIn(options.tag ?? [])
          printOne(await client.artifacts.put(store, path ?? basename(file), { file }, { ...how, tags }), json)
        }),
    )

  artifactSays(artifacts)
}
