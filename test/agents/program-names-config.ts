import { execPath } from 'node:process'
import { filesystemStore, metadataStore, pipeline } from 'millrace'

const node = (script: string) => [execPath, '--input-type=module', '-e', script] as const

/** Copies each input by its name into a folder beside the stores, and reports the copy as an artifact of the same name. */
const copies = `
  import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
  const { inputs } = JSON.parse(readFileSync(process.env.MILLRACE_INPUT, 'utf8'))
  mkdirSync('copies')
  for (const { path, file } of inputs.inbox) {
    writeFileSync('copies/' + path, Buffer.concat([Buffer.from('copied: '), readFileSync(file)]))
    console.log(JSON.stringify({ millrace: 'artifact', store: 'outbox', path, file: 'copies/' + path }))
  }
`

/** Reports artifacts at each path that its input holds, a line each, and then one at a path that is allowed. */
const strays = `
  import { readFileSync, symlinkSync } from 'node:fs'
  const { inputs, stores } = JSON.parse(readFileSync(process.env.MILLRACE_INPUT, 'utf8'))
  symlinkSync('..', stores.outbox.folder + '/link')
  const paths = JSON.parse(readFileSync(inputs.inbox[0].file, 'utf8'))
  for (const path of [...paths, 'allowed'])
    console.log(JSON.stringify({ millrace: 'artifact', store: 'outbox', path, text: 'a stray', overwrite: true }))
`

/** How many files are copied in one run. */
export const many = 25

export const copying = pipeline(
  'copying',
  {
    metadata_store: metadataStore({ path: './copying/metadata.db' }),
    inbox: filesystemStore({
      path: './copying/inbox',
      watch: true,
      settle: 50,
      hidden: true,
      trigger: ({ fresh }) => fresh.length >= many,
    }),
    outbox: filesystemStore({ path: './copying/outbox' }),
  },
  (action) => ({ copy: action({ after: ['inbox'], exec: { command: node(copies), cwd: 'copying' } }) }),
)

export const straying = pipeline(
  'straying',
  {
    metadata_store: metadataStore({ path: './straying/metadata.db' }),
    inbox: filesystemStore({ path: './straying/inbox', watch: true, settle: 50 }),
    outbox: filesystemStore({ path: './straying/outbox' }),
  },
  (action) => ({ stray: action({ after: ['inbox'], exec: { command: node(strays), cwd: 'straying' } }) }),
)
