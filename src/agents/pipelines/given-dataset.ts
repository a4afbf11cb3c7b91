import { z } from 'zod'
import { exact } from '#contracts/fields'
import { hint } from '#contracts/nearest'
import { fileProperty, row } from './croissant.ts'
import { day, flag, name, ofSchema, oneOf, sha256, text, texts, web } from './croissant-terms.ts'

/** A path inside the dataset, or a name; of it, an @id is made. */
const part = z
  .string()
  .refine((path) => path.split('/').every((one) => !['', '.', '..'].includes(one)), 'expected names joined by /')

/** What mlcroissant makes a value of; a field may say more of its meaning beside one of these. */
const readable = ['Boolean', 'Date', 'DateTime', 'Float', 'Integer', 'Text', 'Time', 'URL']
  .concat(['AudioObject', 'ImageObject', 'VideoObject'])
  .map((type) => `sc:${type}`)
  .concat(['Int8', 'Int16', 'Int32', 'Int64', 'UInt8', 'UInt16', 'UInt32', 'UInt64'].map((type) => `cr:${type}`))
  .concat(['cr:Float16', 'cr:Float32', 'cr:Float64', 'cr:BoundingBox'])
const changes = { regex: text, replace: text, separator: text, jsonPath: text, format: text }
const change = exact(changes).superRefine(oneOf(Object.keys(changes)))

const given = {
  name: part,
  description: text,
  dataType: texts.optional(),
  repeated: flag,
  references: part.optional().describe('<record set>/<field>'),
  value: z.unknown().optional(),
  source: exact({
    file: part.optional(),
    fileSet: part.optional(),
    field: part.optional().describe('<record set>/<field>'),
    column: text,
    jsonPath: text,
    fileProperty,
    format: text,
    transform: z
      .union([change, z.array(change)], 'expected one of regex, replace, separator, jsonPath, format')
      .optional(),
  })
    .superRefine(oneOf(['file', 'fileSet', 'field']))
    .optional(),
}
export type GivenField = z.input<z.ZodObject<typeof given>> & { readonly subFields?: readonly GivenField[] | undefined }
const givenField: z.ZodType<GivenField, GivenField> = z.lazy(() =>
  exact({ ...given, subFields: z.array(givenField).optional() }).superRefine(
    ({ dataType, subFields }, { addIssue }) => {
      if (dataType === undefined || subFields || [dataType].flat().some((type) => readable.includes(type))) return
      addIssue({
        code: 'custom',
        path: ['dataType'],
        message: `expected one that is read${hint(String(dataType), readable)}`,
      })
    },
  ),
)

const party = exact({ '@type': ofSchema('Person', 'Organization'), name, url: text, email: text })
const parties = z.union([party, z.array(party).min(1)], "expected { '@type': 'Person' or 'Organization', name }")

/** What a person says of a dataset; all else of its card follows. Paths are those of the files beside the card. */
export const shortDataset = exact({
  name,
  description: name,
  license: texts,
  url: web,
  creator: parties,
  datePublished: day,
  dateCreated: day.optional(),
  dateModified: day.optional(),
  version: z.union([name, z.number()], 'expected text, or a number').optional(),
  keywords: texts.optional(),
  publisher: parties.optional(),
  sameAs: texts.optional(),
  inLanguage: texts.optional(),
  citeAs: text,
  isLiveDataset: flag,
  files: z
    .array(
      exact({
        path: part,
        sha256,
        size: z.int().nonnegative(),
        encodingFormat: texts,
        contentUrl: name.optional(),
        name: text,
        description: text,
      }),
    )
    .min(1),
  fileSets: z
    .array(
      exact({ name: part, description: text, includes: texts, encodingFormat: texts, containedIn: part.optional() }),
    )
    .optional(),
  recordSets: z
    .array(
      exact({
        name: part,
        description: text,
        dataType: texts.optional(),
        key: texts.optional(),
        fields: z.array(givenField).min(1),
        data: z.array(row).min(1).optional(),
      }),
    )
    .optional(),
})
export type GivenDataset = z.input<typeof shortDataset>
