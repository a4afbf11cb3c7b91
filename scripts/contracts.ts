/** Writes the contracts as JSON Schema 2020-12 and AsyncAPI 3, for every other language; with --check it only says what has drifted. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { argv, exit } from 'node:process'
import { z } from 'zod'
import { commands, events } from '#contracts/all'
import { asyncApi } from './asyncapi.ts'

const folder = join(import.meta.dirname, '../contracts/published')

// Of data that is read, later versions of this vocabulary may know more fields: they are passed over, not refused.
const schemaOf = (schema: z.ZodType, io: 'input' | 'output') =>
  z.toJSONSchema(schema, {
    target: 'draft-2020-12',
    io,
    override: ({ jsonSchema, zodSchema }) => {
      const isStrict = zodSchema._zod.def.type === 'object' && zodSchema._zod.def.catchall?._zod.def.type === 'never'
      if (jsonSchema.additionalProperties === false && !isStrict) delete jsonSchema.additionalProperties
    },
  })

const eventFiles = Object.entries(events).map(([type, contract]): [string, object] => [
  `${type}.${contract.version}.json`,
  {
    ...schemaOf(contract.data, 'output'),
    $id: `urn:millrace:event:${type}:${contract.version}`,
    title: type,
    description: contract.description,
    'x-kind': contract.kind,
    'x-work-of': ('whose' in contract && contract.whose) || null,
    'x-delay': 'delay' in contract && contract.delay !== undefined,
  },
])

const commandFiles = Object.entries(commands).map(([type, contract]): [string, object] => [
  `command.${type}.json`,
  {
    ...schemaOf(contract.data, 'input'),
    $id: `urn:millrace:command:${type}`,
    title: type,
    description: contract.description,
  },
])

const expected = new Map(
  [...eventFiles, ...commandFiles, ['asyncapi.json', asyncApi] as const].map(([file, schema]) => [
    file,
    `${JSON.stringify(schema, null, 2)}\n`,
  ]),
)

mkdirSync(folder, { recursive: true })
const present = new Map(
  readdirSync(folder)
    .filter((file) => file.endsWith('.json'))
    .map((file) => [file, readFileSync(join(folder, file), 'utf8')]),
)
// The schema of an earlier version stays: events of that version are in logs for ever.
const isEarlier = (file: string) => {
  const [, type, version] = /^(.+)\.(\d+)\.json$/.exec(file) ?? []
  const contract = Object.entries(events).find(([name]) => name === type)?.[1]
  return contract !== undefined && Number(version) < contract.version
}

const drifted = [
  ...[...expected].filter(([file, text]) => present.get(file) !== text).map(([file]) => file),
  ...[...present.keys()].filter((file) => !expected.has(file) && !isEarlier(file)),
]
if (argv.includes('--check')) {
  if (drifted.length > 0) {
    console.error(`contracts/published differs from the code: ${drifted.join(', ')}. Run: npm run contracts`)
    exit(1)
  }
} else {
  for (const file of drifted)
    if (expected.has(file)) writeFileSync(join(folder, file), expected.get(file) ?? '')
    else rmSync(join(folder, file))
  console.log(`${expected.size} files, ${drifted.length} written anew`)
}
