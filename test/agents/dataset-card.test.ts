import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type GivenDataset, readDatasetCard, writeDatasetCard } from '#agents/pipelines/dataset-card'

/** What no type would let through. */
const wrong = (given: unknown) => given as GivenDataset

const sha256 = 'AB'.repeat(32)
const dataset = {
  name: 'Weather',
  description: 'Two years of it',
  license: 'https://spdx.org/licenses/CC-BY-4.0',
  url: 'https://example.org/weather',
  creator: { '@type': 'Organization', name: 'Us' },
  datePublished: '2026-01-31',
  files: [
    { path: 'in a/days #1.csv', sha256, size: 12, encodingFormat: 'text/csv' },
    { path: 'images.zip', sha256, size: 3, encodingFormat: 'application/zip' },
  ],
  fileSets: [{ name: 'images', includes: '*.png', encodingFormat: 'image/png', containedIn: 'images.zip' }],
  recordSets: [
    {
      name: 'days',
      key: 'the day',
      fields: [
        { name: 'the day', dataType: 'sc:Date', source: { file: 'in a/days #1.csv', column: 'day' } },
        { name: 'split', dataType: 'sc:Text', references: 'splits/id' },
        {
          name: 'place',
          dataType: 'sc:GeoCoordinates',
          subFields: [{ name: 'x', dataType: 'sc:Float', source: { file: 'in a/days #1.csv', jsonPath: '$.x' } }],
        },
      ],
    },
    { name: 'splits', fields: [{ name: 'id', dataType: 'sc:Text' }], data: [{ id: 'train' }, { id: 'test' }] },
    {
      name: 'pictures',
      fields: [
        { name: 'picture', dataType: 'sc:ImageObject', source: { fileSet: 'images', fileProperty: 'content' } },
        {
          name: 'day',
          dataType: ['sc:Text', 'wd:Q573'],
          source: { fileSet: 'images', fileProperty: 'filename', transform: { regex: '(.*)\\.png' } },
        },
      ],
    },
  ],
} satisfies GivenDataset

type Loose = { [key: string]: Loose } & Loose[]
/** The complete card, of which something is changed. */
const changed = (change: (card: Loose) => void): string => {
  const card = JSON.parse(writeDatasetCard(dataset))
  change(card)
  return JSON.stringify(card)
}
const set = (card: unknown, value: unknown) => Object.assign(card as object, value)

test('what always is the same is completed, and what was written is read again', () => {
  const card = readDatasetCard(writeDatasetCard(dataset))
  expect(card).toMatchObject({
    '@context': { '@vocab': 'https://schema.org/', recordSet: 'cr:recordSet' },
    '@type': 'sc:Dataset',
    conformsTo: ['http://mlcommons.org/croissant/1.0'],
    license: ['https://spdx.org/licenses/CC-BY-4.0'],
    distribution: [
      {
        '@type': 'cr:FileObject',
        '@id': 'in%20a/days%20%231.csv',
        name: 'days #1.csv',
        contentUrl: 'in a/days #1.csv',
        contentSize: '12 B',
        sha256: 'ab'.repeat(32),
      },
      { '@id': 'images.zip' },
      { '@type': 'cr:FileSet', '@id': 'images', containedIn: [{ '@id': 'images.zip' }], includes: ['*.png'] },
    ],
    recordSet: [
      {
        '@type': 'cr:RecordSet',
        '@id': 'days',
        key: [{ '@id': 'days/the%20day' }],
        field: [
          {
            '@type': 'cr:Field',
            '@id': 'days/the%20day',
            source: { fileObject: { '@id': 'in%20a/days%20%231.csv' }, extract: { column: 'day' } },
          },
          { references: { field: { '@id': 'splits/id' } } },
          { subField: [{ '@id': 'days/place/x' }] },
        ],
      },
      { data: [{ 'splits/id': 'train' }, { 'splits/id': 'test' }] },
      { '@id': 'pictures' },
    ],
  })
  expect(readDatasetCard(JSON.stringify(card))).toEqual(card)
})

test.each(
  ['@context', '@type', 'conformsTo', 'name', 'description', 'license', 'url', 'creator'].concat(
    'datePublished',
    'distribution',
  ),
)('a card without %s is refused', (field) => {
  expect(() => readDatasetCard(changed((card) => delete card[field]))).toThrow(`\n  ${field}: is missing`)
})

test.each([
  ['distribution', 0, '@type'],
  ['distribution', 0, '@id'],
  ['distribution', 0, 'contentUrl'],
  ['distribution', 0, 'encodingFormat'],
  ['distribution', 0, 'sha256'],
  ['distribution', 2, '@id'],
  ['distribution', 2, 'encodingFormat'],
  ['distribution', 2, 'includes'],
  ['recordSet', 0, '@type'],
  ['recordSet', 0, '@id'],
] as const)('a card is refused without %s.%i.%s', (list, index, field) => {
  const card = changed((one) => delete one[list]?.[index]?.[field])
  expect(() => readDatasetCard(card)).toThrow(`${list}.${index}.${field}: `)
})

test.each(['@type', '@id', 'dataType', 'source'])('a card is refused whose field has no %s', (name) => {
  const card = changed((one) => {
    one.recordSet?.splice(0, 2)
    for (const field of (one.recordSet?.[0]?.field ?? []) as Loose[]) delete field[name]
  })
  expect(() => readDatasetCard(card)).toThrow(`recordSet.0.field.0.${name}: is missing`)
})

test.each([
  'name',
  'description',
  'license',
  'url',
  'creator',
  'datePublished',
  'files',
])('nothing is written without %s', (field) => {
  expect(() => writeDatasetCard(wrong({ ...dataset, [field]: undefined }))).toThrow(`\n  ${field}: is missing`)
})

test.each(['path', 'sha256', 'size', 'encodingFormat'])('nothing is written of a file without %s', (field) => {
  const files = [{ ...dataset.files[0], [field]: undefined }]
  expect(() => writeDatasetCard(wrong({ ...dataset, files }))).toThrow(`files.0.${field}: is missing`)
})

test.each([
  [{ licence: 'a' }, "licence: no field is called so; did you mean 'license'?"],
  [{ url: 'somewhere' }, 'url: expected a URL'],
  [{ datePublished: 'yesterday' }, 'datePublished: expected a date'],
  [{ creator: 'me' }, "creator: expected { '@type': 'Person' or 'Organization', name }"],
  [{ files: [{ ...dataset.files[0], path: '../a' }] }, 'files.0.path: expected names joined by /'],
  [{ files: [{ ...dataset.files[0], sha256: 'ab' }] }, 'files.0.sha256: expected 64 hexadecimal digits'],
  [{ files: [{ ...dataset.files[0], size: -1 }] }, 'files.0.size: '],
  [{ recordSets: [{ name: 'a', fields: [{ name: 'b', dataType: 'sc:Txt' }] }] }, "did you mean 'sc:Text'?"],
  [
    { files: [dataset.files[0], dataset.files[0]] },
    "distribution.1.@id: 'in%20a/days%20%231.csv' is the @id of distribution.0",
  ],
])('%# is refused', (given, message) => {
  expect(() => writeDatasetCard(wrong({ ...dataset, recordSets: undefined, fileSets: undefined, ...given }))).toThrow(
    message,
  )
})

test.each<[(card: Loose) => unknown, string]>([
  [(card) => set(card, { conformsTo: 'http://mlcommons.org/croissant/0.8' }), 'conformsTo: expected http://mlcommons'],
  [(card) => set(card, { recordset: [] }), "recordset: no field is called so; did you mean 'recordSet'?"],
  [
    (card) => set(card['@context'], { cr: 'https://mlcommons.org/croissant/' }),
    '@context.cr: expected "http://mlcommons',
  ],
  [(card) => set(card['@context'], { source: 'sc:source' }), '@context.source: expected "cr:source"'],
  [(card) => set(card.distribution?.[0], { contentSize: 'big' }), 'distribution.0.contentSize: expected a size'],
  [(card) => set(card.distribution?.[0], { contentSize: 12 }), 'distribution.0.contentSize: expected string'],
  [(card) => set(card.distribution?.[0], { '@id': 'a b' }), 'distribution.0.@id: expected an @id, which has no spaces'],
  [(card) => set(card.distribution?.[0], { '@type': 'sc:FileObject' }), 'distribution.0.@type: expected cr:FileObject'],
  [
    (card) => set(card.distribution?.[2], { containedIn: { '@id': 'a.zip' } }),
    "containedIn.0: no fileObject or fileSet has the @id 'a.zip'",
  ],
  [
    (card) => set(card.distribution?.[2], { containedIn: { '@id': 'images' } }),
    'containedIn.0: it is contained in itself',
  ],
  [(card) => set(card.recordSet?.[0], { key: { '@id': 'day' } }), "recordSet.0.key.0: no field has the @id 'day'"],
  [(card) => set(card.recordSet?.[1], { '@id': 'days' }), "recordSet.1.@id: 'days' is the @id of recordSet.0 already"],
  [(card) => set(card.recordSet?.[1], { data: [{ id: 1 }] }), 'recordSet.1.data.0: expected the fields splits/id'],
  [
    (card) => set(card.recordSet?.[2]?.field?.[0], { value: 1 }),
    'recordSet.2.field.0.value: there is a source already',
  ],
  [
    (card) => set(card.recordSet?.[2]?.field?.[0]?.source, { fileSet: { '@id': 'image' } }),
    "recordSet.2.field.0.source.fileSet: no fileSet has the @id 'image'; did you mean 'images'?",
  ],
  [
    (card) => set(card.recordSet?.[2]?.field?.[0]?.source, { fileObject: { '@id': 'images.zip' } }),
    'recordSet.2.field.0.source: expected one of @id, fileObject, fileSet, field, recordSet, found fileObject, fileSet',
  ],
  [
    (card) => set(card.recordSet?.[2]?.field?.[0]?.source?.extract, { column: 'a' }),
    'extract: expected one of column, jsonPath, fileProperty, found column, fileProperty',
  ],
  [
    (card) => set(card.recordSet?.[0]?.field?.[1], { references: { field: { '@id': 'splits/name' } } }),
    "recordSet.0.field.1.references.field: no field has the @id 'splits/name'",
  ],
])('%# is refused in reading', (change, message) => {
  expect(() => readDatasetCard(changed((card) => void change(card)))).toThrow(message)
})

test('a live dataset needs no digests, a property of schema.org no leave, and one value no list', () => {
  const live = changed((card) => {
    set(card, { isLiveDataset: true, 'rai:dataBiases': 'none', distribution: [card.distribution?.[1]], recordSet: [] })
    delete card.recordSet
    delete card.distribution?.[0]?.sha256
    set(card, { distribution: card.distribution?.[0] })
  })
  expect(readDatasetCard(live)).toMatchObject({ distribution: [{ '@id': 'images.zip' }], 'rai:dataBiases': 'none' })
})

test.each([
  ['{"__proto__": {"polluted": true}}', '__proto__: no field may be called so'],
  ['{"creator": {"__proto__": {"polluted": true}}}', 'creator.__proto__: no field may be called so'],
  ['{', 'JSON: '],
  ['[]', 'expected object'],
  [`{"a": ${'['.repeat(100_000)}${']'.repeat(100_000)}}`, 'is too deep, or too much'],
  [`"${'a'.repeat(1_048_576)}"`, 'size: 1048578 bytes; expected 1048576 at most'],
])('%# is refused as hostile', (text, message) => {
  expect(() => readDatasetCard(text)).toThrow(message)
  expect(Object.prototype).not.toHaveProperty('polluted')
})

test('whatever can be written can be read', () => {
  const name = fc.string({ unit: 'grapheme', minLength: 1 }).filter((one) => !/^\.{0,2}$|\//.test(one))
  const names = fc.uniqueArray(name, { minLength: 1, maxLength: 5 })
  fc.assert(
    fc.property(
      names,
      names,
      fc.nat(),
      fc.string({ unit: 'grapheme', minLength: 1 }),
      (paths, columns, size, description) => {
        const files = paths.map((path) => ({ path: `data/${path}`, sha256, size, encodingFormat: 'text/csv' }))
        const fields = columns.map((column) => {
          return { name: column, dataType: 'sc:Text', source: { file: `data/${paths[0]}`, column } }
        })
        const given = { ...dataset, description, files, fileSets: [], recordSets: [{ name: 'rows', fields }] }
        const { distribution, recordSet } = readDatasetCard(writeDatasetCard(given))
        expect(distribution.map(({ contentUrl }) => contentUrl)).toEqual(files.map(({ path }) => path))
        expect(recordSet?.[0]?.field?.map((one) => one.source?.extract?.column)).toEqual(columns)
      },
    ),
  )
})
