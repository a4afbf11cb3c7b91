import { z } from 'zod'
import { open } from './card.ts'
import {
  day,
  flag,
  id,
  many,
  name,
  ofCroissant,
  ofSchema,
  oneOf,
  reference,
  sha256,
  standard,
  text,
  web,
} from './croissant-terms.ts'

const someone = open({ '@type': ofSchema('Person', 'Organization'), name, url: text, email: text })
const legal = many(z.union([name, z.looseObject({ '@type': z.string() })], 'expected text, or a creative work'))

const fileObject = open({
  '@type': ofCroissant('FileObject'),
  '@id': id,
  name: text,
  description: text,
  contentUrl: name.optional(),
  contentSize: z
    .string()
    .regex(/^\d+(\.\d+)?( ?[kKMGTPE]?i?B)?$/, 'expected a size, as 1024 B')
    .optional(),
  encodingFormat: many(name),
  sha256: sha256.optional(),
  md5: text,
  containedIn: many(reference).optional(),
  sameAs: many(name).optional(),
})

const fileSet = open({
  '@type': ofCroissant('FileSet'),
  '@id': id,
  name: text,
  description: text,
  encodingFormat: many(name),
  includes: many(name),
  excludes: many(name).optional(),
  containedIn: many(reference).optional(),
})

/** What can be read of a file beside what lies in it. */
export const fileProperty = z.enum(['fullpath', 'filename', 'content', 'lines', 'lineNumbers']).optional()
const transform = open({
  delimiter: text,
  format: text,
  jsonPath: text,
  jsonQuery: text,
  regex: text,
  replace: text,
  separator: text,
  readLines: flag,
  unArchive: flag,
  samplingRate: z.int().optional(),
}).refine((asked) => Object.keys(asked).length > 0, 'expected a transformation, as regex')
/** What a field's values may come from. */
export const origins = ['@id', 'fileObject', 'fileSet', 'field', 'recordSet'] as const
const source = open({
  '@id': id.optional(),
  fileObject: reference.optional(),
  fileSet: reference.optional(),
  field: reference.optional(),
  recordSet: reference.optional(),
  extract: open({ column: text, jsonPath: text, fileProperty })
    .superRefine(oneOf(['column', 'jsonPath', 'fileProperty']))
    .optional(),
  transform: many(transform).optional(),
  format: text,
}).superRefine(oneOf(origins))

const plainField = {
  '@type': ofCroissant('Field'),
  '@id': id,
  name: text,
  description: text,
  dataType: many(name).optional(),
  source: source.optional(),
  value: z.unknown().optional(),
  references: source.optional(),
  repeated: flag,
  equivalentProperty: many(name).optional(),
  parentField: open({ source: source.optional(), references: source.optional() }).optional(),
}
/** A field, with those that are in it. */
export type Field = z.output<z.ZodObject<typeof plainField>> & { readonly subField?: readonly Field[] | undefined }
const field: z.ZodType<Field> = z.lazy(() => open({ ...plainField, subField: many(field).optional() }))

/** A record that stands in the card itself. */
export const row = z.record(z.string(), z.unknown())
const recordSet = open({
  '@type': ofCroissant('RecordSet'),
  '@id': id,
  name: text,
  description: text,
  dataType: many(name).optional(),
  key: many(reference).optional(),
  field: many(field).optional(),
  data: many(row).optional(),
  examples: z.unknown().optional(),
})

/** A complete card, each field right in itself. */
export const shape = open({
  '@context': open({ '@vocab': z.string(), cr: z.string() }),
  '@type': ofSchema('Dataset'),
  conformsTo: many(name).refine((versions) => versions.includes(standard), `expected ${standard}`),
  name,
  description: name,
  license: legal,
  url: web,
  creator: many(someone),
  datePublished: day,
  dateCreated: day.optional(),
  dateModified: day.optional(),
  version: z.union([name, z.number()], 'expected text, or a number').optional(),
  keywords: many(z.union([name, z.looseObject({})], 'expected text, or a defined term')).optional(),
  publisher: many(someone).optional(),
  sameAs: many(name).optional(),
  sdLicense: legal.optional(),
  sdLicence: legal.optional(),
  inLanguage: many(z.union([name, z.looseObject({})], 'expected text, or a language')).optional(),
  citeAs: text,
  isLiveDataset: flag,
  distribution: many(
    z.discriminatedUnion('@type', [fileObject, fileSet], {
      error: ({ code }) => (code === 'invalid_union' ? 'expected cr:FileObject or cr:FileSet' : undefined),
    }),
  ),
  recordSet: many(recordSet).optional(),
})

/** Whether a part of the distribution is a set of files. */
export const isSet = (file: { readonly '@type': string }) => file['@type'].endsWith('FileSet')
