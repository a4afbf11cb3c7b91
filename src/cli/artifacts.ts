import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream, existsSync } from 'node:fs'
import { rename, rm, stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline as flow } from 'node:stream/promises'
import type { Command } from 'commander'
import { Fault } from '#bus/fault'
import { splitPart } from '#contracts/names'
import { serviceOf } from '#contracts/subjects'
import type { Common } from './options.ts'
import { printOne, printRows } from './print.ts'
import { progress } from './progress.ts'
import { inSession, metadataPipeline, query, withSession } from './session.ts'

type Page = { readonly items: readonly Readonly<Record<string, unknown>>[] }
type Provided = { readonly host: string; readonly digest: string; readonly size: number }

/** The store a word names: `<pipeline>/<store>`. */
const storeOf = (word: string): { pipeline: string; node: string } => {
  const { pipeline, node } = splitPart(word)
  if (!pipeline || !node) throw new Fault('contract.store', `'${word}' is no store: use <pipeline>/<store>`)
  return { pipeline, node }
}

export const artifactsVerb = (program: Command): void => {
  const artifacts = program.command('artifacts').description('list, fetch and send artifacts')

  withSession(artifacts.command('ls [store]'))
    .description('list artifacts, of one store or of all')
    .option('--pipeline <name>', 'whose metadata to read; needed where there are several')
    .option('--path <path>', 'only this path; model* for all that begin so')
    .option('--limit <n>', 'how many', '100')
    .addHelpText('after', '\nExample:\n  millrace artifacts ls root_pipeline/model_registry')
    .action((store: string | undefined, options: Common & { pipeline?: string; path?: string; limit: string }) =>
      inSession(options, async ({ bus, json }) => {
        const scope = await metadataPipeline(bus, options.pipeline)
        const { items } = await query<Page>(bus, 'artifacts', scope, {
          limit: Number(options.limit),
          ...(store && { node: store }),
          ...(options.path && { path: options.path }),
        })
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
        const { pipeline, node } = storeOf(store)
        const out = options.out ?? basename(path)
        if (existsSync(out) && !options.force)
          throw new Fault('store.taken', `${out} is there already: use --out or --force`)
        const subject = serviceOf(pipeline, node, 'provide', bus.principal)
        const found = (await bus.request(subject, { path }, { timeout: 60_000 })) as Provided
        const temporary = `${out}.part`
        try {
          const bytes = bus.buckets.get(found.host, found.digest, signal)
          await flow(Readable.from(bytes), progress(`fetching ${path}`, found.size), createWriteStream(temporary))
          await rename(temporary, out)
        } finally {
          await rm(temporary, { force: true })
        }
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
        inSession(options, async ({ bus, json }) => {
          const { pipeline, node } = storeOf(store)
          const { size } = await stat(file).catch(() =>
            Promise.reject(new Fault('store.missing', `There is no file ${file}`)),
          )
          const hash = createHash('sha256')
          await flow(createReadStream(file), hash)
          const digest = hash.digest('hex')
          const bytes = () =>
            Readable.toWeb(createReadStream(file).pipe(progress(`sending ${file}`, size))) as ReadableStream<Uint8Array>
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
          printOne((await bus.request(subject, body, { timeout: 60_000 })) as Readonly<Record<string, unknown>>, json)
        }),
    )
}

const splitTag = (tag: string): [string, string] => {
  const at = tag.indexOf('=')
  if (at < 1) throw new Fault('contract.tag', `'${tag}' is no tag: use key=value`)
  return [tag.slice(0, at), tag.slice(at + 1)]
}
