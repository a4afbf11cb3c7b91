import type { Command } from 'commander'
import type { ArtifactTagFilters, HistoryFilters } from '#client/artifacts'
import { limit } from './options.ts'
import { printOne, printPage } from './print.ts'
import { inSession, type SessionOptions, withSession } from './session.ts'
import { tagsIn } from './tags.ts'
import { type Span, withSpan } from './words.ts'

type Listing<Filters> = SessionOptions & Span & Omit<Filters, 'store'> & { readonly pipeline?: string }

const withListing = (command: Command): Command =>
  withSpan(withSession(command), 'happened')
    .option('--pipeline <name>', 'whose metadata to read; by default the first that answers')
    .option('--path <path>', 'only this path; model* for all that begin so')
    .option('--digest <sha256>', 'only these bytes, wherever they lie')
    .option('--limit <n>', 'how many', limit, 100)

/** Verbs about what is said of artifacts: their tags, and their history. */
export const artifactSays = (artifacts: Command): void => {
  withSession(artifacts.command('tag <store> <path> <key=value...>'))
    .description('say something about what lies at a path now')
    .addHelpText('after', '\nExample:\n  millrace artifacts tag model_registry model0.txt stage=production')
    .action((store: string, path: string, words: readonly string[], options: SessionOptions) => {
      const tags = tagsIn(words)
      return inSession(options, async ({ client, json }) => {
        printOne({ position: await client.artifacts.tag(store, path, tags) }, json)
      })
    })

  withListing(artifacts.command('history [store]'))
    .description('list everything that happened to artifacts, oldest first')
    .option('--run <run>', 'only in this run')
    .option('--what <word>', 'only this, for example produced, used or downloaded')
    .addHelpText('after', '\nExample:\n  millrace artifacts history model_registry --path model0.txt')
    .action((store: string | undefined, options: Listing<HistoryFilters>) =>
      inSession(options, async ({ client, json }) => {
        const { pipeline: metadata, path, digest, run, what, limit, from, to, at } = options
        const said = { metadata, store, path, digest, run, what, limit, from, to, at }
        const page = await client.artifacts.history(said)
        printPage(page, ['at', 'what', 'store', 'path', 'run', 'part', 'peer', 'principal'], json)
      }),
    )

  withListing(artifacts.command('tags [store]'))
    .description('list what was said about artifacts, oldest first')
    .option('--key <key>', 'only tags of this key')
    .option('--value <value>', 'only tags of this value')
    .addHelpText('after', '\nExample:\n  millrace artifacts tags model_registry --key stage')
    .action((store: string | undefined, options: Listing<ArtifactTagFilters>) =>
      inSession(options, async ({ client, json }) => {
        const { pipeline: metadata, path, digest, key, value, limit, from, to, at } = options
        const said = { metadata, store, path, digest, key, value, limit, from, to, at }
        const page = await client.artifacts.tags(said)
        printPage(page, ['at', 'store', 'path', 'key', 'value', 'principal'], json)
      }),
    )
}
