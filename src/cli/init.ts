import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
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
    .addHelpText('after', '\nExample:\n  millrace init my-pipeline && millrace up my-pipeline/pipeline.ts')
    .action((folder = '.') => {
      const file = join(folder, 'pipeline.ts')
      if (existsSync(file)) throw new Fault('config.there', `${resolve(file)} is there already: choose another folder`)
      mkdirSync(join(folder, 'data/inbox'), { recursive: true })
      writeFileSync(file, config, { flag: 'wx' })
      const manifest = join(folder, 'package.json')
      if (!existsSync('package.json') && !existsSync(manifest))
        writeFileSync(manifest, '{ "type": "module", "private": true }\n')
      print(`Wrote ${file}. Next:`)
      print(`  npx millrace up ${file}`)
      print(`  echo "some words" > ${join(folder, 'data/inbox/note.txt')}`)
    })
}
