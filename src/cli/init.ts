import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import type { Command } from 'commander'
import { Fault } from '#bus/fault'
import { print } from './print.ts'

const config = `import { filesystemStore, metadataStore, pipeline } from 'millrace'

export const first = pipeline('first', {
  metadata_store: metadataStore({ path: './data/metadata.db' }),
  inbox: filesystemStore({ path: './data/inbox', watch: true }),
  results: filesystemStore({ path: './data/results' }),
}, (action) => ({
  count_words: action({ after: ['inbox', 'results'] }, async ({ run, stores, log }) => {
    for (const file of run.inputs.inbox) {
      const words = (await file.text()).split(/\\s+/).filter(Boolean).length
      log.info(\`\${file.path} has \${words} words\`)
      await stores.metadata_store.logMetric('words', words)
      await stores.results.save(\`run\${run.number}/\${file.path}.json\`, JSON.stringify({ words }))
    }
  }),
}))
`

export const initVerb = (program: Command): void => {
  program
    .command('init [folder]')
    .description('write a pipeline that runs, to begin with')
    .option('--json', 'print JSON, for programs')
    .addHelpText('after', '\nExample:\n  millrace init my-pipeline')
    .action((folder: string = '.', { json = false }: { json?: boolean }) => {
      const manifest = manifestOf(resolve(folder))
      const file = join(folder, manifest && !isOfModules(manifest) ? 'pipeline.mts' : 'pipeline.ts')
      if (existsSync(file)) throw new Fault('config.there', `${resolve(file)} is there already: choose another folder`)
      mkdirSync(join(folder, 'data/inbox'), { recursive: true })
      writeFileSync(file, config, { flag: 'wx' })
      if (!manifest) writeFileSync(join(folder, 'package.json'), '{ "type": "module", "private": true }\n')
      const note = join(folder, 'data/inbox/note.txt')
      if (json) return print(JSON.stringify({ file, next: `npx millrace up ${file}`, inbox: dirname(note) }))
      print(`Wrote ${file}. Next:`)
      print(`  npx millrace up ${file}`)
      print(`  echo "some words" > ${note}`)
    })
}

/** The package.json that says how files in a folder are to be read: the nearest one. */
const manifestOf = (folder: string): string | undefined => {
  const file = join(folder, 'package.json')
  if (existsSync(file)) return file
  return dirname(folder) === folder ? undefined : manifestOf(dirname(folder))
}

/** Whether Node takes the .js and .ts files of a package for modules. `npm init` says that they are not. */
const isOfModules = (manifest: string): boolean =>
  (JSON.parse(readFileSync(manifest, 'utf8')) as { readonly type?: string }).type === 'module'
