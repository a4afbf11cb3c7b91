import { existsSync } from 'node:fs'
import { basename } from 'node:path'
import type { Command } from 'commander'
import type { Bus } from '#bus/bus'
import { Fault, faults } from '#bus/fault'
import { serviceOf } from '#contracts/subjects'
import { type Graphs, knownPipelines, metadataPipeline } from './known.ts'
import { type Common, limit } from './options.ts'
import { printOne, printRows } from './print.ts'
import { inSession, query, withSession } from './session.ts'
import { storeIn, storeNamed, storesIn, unknownStore } from './stores.ts'
import { isFolder, readyToSend, untilAnswered, writeFrom } from './transfer.ts'

type Page = { readonly items: readonly Readonly<Record<string, unknown>>[] }
type Provided = { readonly host: string; readonly digest: string; readonly size: number }

/** How long a store may take to answer before it is asked again, in milliseconds. */
const answeredWithin = 60_000

export const artifactsVerb = (program: Command): void => {
  const artifacts = program.command('artifacts').description('list, fetch and send artifacts')

  withSession(artifacts.command('ls [store]'))
    .description('list artifacts, of one store or of all')
    .option('--pipeline <name>', 'whose metadata to read; needed where several pipelines keep metadata')
    .option('--path <path>', 'only this path; model* for all that begin so')
    .option('--limit <n>', 'how many', limit, 100)
    .addHelpText('after', '\nExample:\n  millrace artifacts ls root_pipeline/model_registry')
    .action((store: string | undefined, options: Common & { pipeline?: string; path?: string; limit: number }) =>
      inSession(options, async ({ bus, json }) => {
        const scope = await metadataPipeline(bus, options.pipeline)
        const { items } = await query<Page>(bus, 'artifacts', scope, {
          limit: options.limit,
          ...(store && { node: store }),
          ...(options.path && { path: options.path }),
        })
        if (store && items.length === 0) storeIn(await knownPipelines(bus), store) // An unknown one is told from an empty one.
        printRows(items, ['store', 'path', 'state', 'size', 'run', 'digest'], json)
      }),
    )

  withSession(artifacts.command('get <store> <path>'))
    .description('fetch an artifact, verified, into a file')
    .option('--out <file>', 'where to write it; by default its own name, here')
    .option('--force', 'overwrite a file that is there')
    .addHelpText('after', '\nExample:\n  millrace artifacts get root_pipeline/model_registry model0.txt')
    .action((store: string, path: string, options: Common & { out?: string; force?: boolean }) =>
      inSession(options, async ({ bus, json, signal }) => {
        const { pipeline, node } = await storeNamed(bus, store)
        const out = options.out ?? basename(path)
        if (isFolder(out)) throw faults.notAFile(out)
        if (existsSync(out) && !options.force)
          throw new Fault('store.taken', `${out} is there already: use --out or --force`)
        const subject = serviceOf(pipeline, node, 'provide', bus.principal)
        const ask = () => bus.request(subject, { path }, { timeout: answeredWithin })
        const found = (await untilAnswered(ask, signal).catch(withStores(bus, store))) as Provided
        await writeFrom(bus.buckets.get(found.host, found.digest, signal), out, found.size)
        printOne({ file: out, size: found.size, digest: found.digest }, json)
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
        options: Common & { tag?: string[]; overwrite?: boolean },
      ) =>
        inSession(options, async ({ bus, json, signal }) => {
          const { pipeline, node } = await storeNamed(bus, store)
          const { digest, bytes } = await readyToSend(file)
          await bus.buckets.put(bus.principal, digest, bytes)
          const tags = Object.fromEntries((options.tag ?? []).map((tag) => splitTag(tag)))
          const body = {
            path: path ?? basename(file),
            digest,
            host: bus.principal,
            from: `${pipeline}/${bus.principal}`,
            tags,
            overwrite: options.overwrite ?? false,
          }
          const subject = serviceOf(pipeline, node, 'receive', bus.principal)
          const ask = () => bus.request(subject, body, { timeout: answeredWithin })
          const answer = await untilAnswered(ask, signal).catch(withStores(bus, store))
          printOne(answer as Readonly<Record<string, unknown>>, json)
        }),
    )
}

const splitTag = (tag: string): [string, string] => {
  const at = tag.indexOf('=')
  if (at < 1) throw new Fault('contract.tag', `'${tag}' is no tag: use key=value`)
  return [tag.slice(0, at), tag.slice(at + 1)]
}

/** Throws what was thrown; where nobody answers for a store that no pipeline has, a fault that names those there are. */
const withStores =
  (bus: Bus, store: string) =>
  async (cause: unknown): Promise<never> => {
    if (!(cause instanceof Fault && cause.code === 'bus.no-owner')) throw cause
    const graphs = await knownPipelines(bus).catch((): Graphs => new Map())
    const stores = storesIn(graphs)
    if (stores.length === 0 || stores.includes(store) || !store.includes('/')) throw cause
    throw unknownStore(store, stores)
  }
