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
      const ignored = ignore(folder)
      const note = join(folder, 'data/inbox/note.txt')
      const next = `npx millrace up ${file}`
      if (json) return print(JSON.stringify({ file, next, inbox: dirname(note) }))
      print(
        `Wrote ${file}${ignored.length > 0 ? `, and in .gitignore: ${ignored.join(' ')}` : ''}. Next, in one terminal:`,
      )
      print(`  ${next}`)
      print('and in another one, which starts a run that https://127.0.0.1:8000 shows:')
      print(`  echo "some words" > ${note}`)
    })
}

/** What is made on this machine and is nobody else's: state, secrets, the pipeline's data, packages. */
const own = ['.millrace/', '*.creds.json', '/data/', 'node_modules/']

/** Has git pass over what is made here, and gives what it had not passed over yet. */
const ignore = (folder: string): readonly string[] => {
  const file = join(folder, '.gitignore')
  const before = existsSync(file) ? readFileSync(file, 'utf8') : ''
  const missing = own.filter((entry) => !before.split('\n').some((line) => line.trim() === entry))
  const end = before === '' || before.endsWith('\n') ? '' : '\n'
  if (missing.length > 0) writeFileSync(file, `${before}${end}${missing.join('\n')}\n`)
  return missing
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
