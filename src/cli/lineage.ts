import { type Command, Option } from 'commander'
import { Fault } from '#bus/fault'
import type { Meant } from '#client/artifacts'
import { openLineageOf } from '#client/open-lineage'
import { digest } from '#contracts/names'
import { treeOf } from './lineage-tree.ts'
import { print } from './print.ts'
import { inSession, type SessionOptions, withSession } from './session.ts'
import { type Span, withAt } from './words.ts'

type Options = SessionOptions & Span & { readonly pipeline?: string; readonly openlineage?: boolean }

const withMeant = (command: Command): Command =>
  withAt(
    withSession(
      command
        .argument('<store|digest>', 'the store of what is meant; or the SHA-256 of the bytes, wherever they lie')
        .argument('[path]', 'its path in the store'),
    ),
  )
    .option('--pipeline <name>', 'whose metadata to read; by default the first that answers')
    .addOption(
      new Option('--openlineage', 'print each execution as a RunEvent of OpenLineage, one JSON a line').conflicts(
        'json',
      ),
    )

const meantBy = (word: string, path: string | undefined): Meant => {
  if (path !== undefined) return { store: word, path }
  if (digest.safeParse(word).success) return { digest: word }
  throw new Fault('contract.meant', `'${word}' is no SHA-256: say a store and a path, or 64 hexadecimal digits`)
}

const walking = (command: Command, which: 'why' | 'usedBy', back: boolean): void => {
  withMeant(command).action((word: string, path: string | undefined, options: Options) => {
    const meant = meantBy(word, path)
    return inSession(options, async ({ client, json }) => {
      const { pipeline: metadata, at, openlineage } = options
      const lineage = await client.artifacts[which](meant, { metadata, at })
      if (json) return print(JSON.stringify(lineage))
      const lines = openlineage ? await openLineageOf(client, lineage) : treeOf(lineage, back)
      for (const line of lines) print(typeof line === 'string' ? line : JSON.stringify(line))
      if (lineage.truncated && !openlineage) print('… there is more than is said here')
    })
  })
}

export const whyVerb = (program: Command): void => {
  const why = program
    .command('why')
    .description('why an artifact exists: back to the files that were dropped in a folder')
    .addHelpText('after', '\nExample:\n  millrace why model_registry model0.txt')
  walking(why, 'why', true)
}

export const usedByVerb = (program: Command): void => {
  const usedBy = program
    .command('used-by')
    .description('what used an artifact, and what came of it')
    .addHelpText('after', '\nExample:\n  millrace used-by haiku_data_store haiku0.txt --openlineage')
  walking(usedBy, 'usedBy', false)
}
