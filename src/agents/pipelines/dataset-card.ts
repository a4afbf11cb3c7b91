import type { z } from 'zod'
import { reasonOf } from '#bus/fault'
import { bounded, checked, refuse } from './card.ts'
import { shape } from './croissant.ts'
import { crossed } from './croissant-references.ts'
import { context, sameMeaning, standard, type Told } from './croissant-terms.ts'
import { type GivenDataset, type GivenField, shortDataset } from './given-dataset.ts'

export type { GivenDataset }

/** A complete card, every reference of which leads somewhere: looked at once each field is right in itself. */
export const datasetCard = shape.superRefine((card, { addIssue }) => {
  const tell: Told = (path, message) => addIssue({ code: 'custom', path: [...path], message })
  sameMeaning(card['@context'], tell)
  crossed(card, tell)
})
export type DatasetCard = z.output<typeof datasetCard>

/** The @id of what has this name or path: part of an IRI, so nothing in it is taken for a scheme, a query or a fragment. */
const idOf = (...path: readonly string[]): string => path.join('/').split('/').map(encodeURIComponent).join('/')
const at = (...path: readonly string[]) => ({ '@id': idOf(...path) })

const fieldFrom = ({ subFields, source, references, ...said }: GivenField, within: readonly string[]): object => {
  const { file, fileSet: set, field: other, column, jsonPath, fileProperty: property, ...parsed } = source ?? {}
  const extract = { column, jsonPath, fileProperty: property }
  const extracted = Object.values(extract).some((one) => one !== undefined)
  return {
    '@type': 'cr:Field',
    ...at(...within, said.name),
    ...said,
    ...(source && {
      source: {
        ...(file !== undefined && { fileObject: at(file) }),
        ...(set !== undefined && { fileSet: at(set) }),
        ...(other !== undefined && { field: at(other) }),
        ...(extracted && { extract }),
        ...parsed,
      },
    }),
    ...(references !== undefined && { references: { field: at(references) } }),
    ...(subFields && { subField: subFields.map((one) => fieldFrom(one, [...within, said.name])) }),
  }
}

const complete = ({ files, fileSets = [], recordSets, ...said }: z.output<typeof shortDataset>) => ({
  '@context': context,
  '@type': 'sc:Dataset',
  conformsTo: standard,
  ...said,
  distribution: [
    ...files.map(({ path, size, contentUrl = path, name: called = path.split('/').at(-1), ...file }) => ({
      '@type': 'cr:FileObject',
      ...at(path),
      name: called,
      contentUrl,
      contentSize: `${size} B`,
      ...file,
      sha256: file.sha256.toLowerCase(),
    })),
    ...fileSets.map(({ containedIn, ...set }) => ({
      '@type': 'cr:FileSet',
      ...at(set.name),
      ...(containedIn !== undefined && { containedIn: at(containedIn) }),
      ...set,
    })),
  ],
  ...(recordSets && {
    recordSet: recordSets.map(({ fields, key, data, ...set }) => ({
      '@type': 'cr:RecordSet',
      ...at(set.name),
      ...set,
      ...(key !== undefined && { key: [key].flat().map((one) => at(set.name, one)) }),
      field: fields.map((one) => fieldFrom(one, [set.name])),
      ...(data && {
        data: data.map((record) =>
          Object.fromEntries(Object.entries(record).map(([column, value]) => [idOf(set.name, column), value])),
        ),
      }),
    })),
  }),
})

const what = 'The dataset card'

/** Gives a card's text, complete. What is written here can be read. Mistakes of references are told by their place in it. */
export const writeDatasetCard = (dataset: GivenDataset): string => {
  const card = `${JSON.stringify(complete(checked(what, shortDataset, dataset)), null, 2)}\n`
  readDatasetCard(card)
  return card
}

/** Reads a complete card, of any origin. A wrong one is one fault that lists every mistake. */
export const readDatasetCard = (card: string): DatasetCard => {
  bounded(what, card)
  return checked(what, datasetCard, fromJson(card))
}

const fromJson = (card: string): unknown => {
  try {
    return JSON.parse(card)
  } catch (thrown) {
    return refuse(what, [{ field: 'JSON', message: reasonOf(thrown) }])
  }
}
