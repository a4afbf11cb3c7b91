import { z } from 'zod'
import { open } from './card.ts'

/** The vocabulary of Croissant. */
const croissant = 'http://mlcommons.org/croissant/'
/** What a card says it conforms to. */
export const standard = `${croissant}1.0`

const terms = ['citeAs', 'column', 'equivalentProperty', 'extract', 'field', 'fileProperty', 'fileObject', 'fileSet']
  .concat(['format', 'includes', 'isLiveDataset', 'jsonPath', 'key', 'md5', 'parentField', 'path', 'recordSet'])
  .concat([
    'references',
    'regex',
    'repeated',
    'replace',
    'samplingRate',
    'separator',
    'source',
    'subField',
    'transform',
  ])

/** What the names in a card mean: the context that mlcroissant gives its own cards of version 1.0. */
export const context: Readonly<Record<string, unknown>> = {
  '@language': 'en',
  '@vocab': 'https://schema.org/',
  cr: croissant,
  rai: `${croissant}RAI/`,
  dct: 'http://purl.org/dc/terms/',
  sc: 'https://schema.org/',
  conformsTo: 'dct:conformsTo',
  data: { '@id': 'cr:data', '@type': '@json' },
  dataType: { '@id': 'cr:dataType', '@type': '@vocab' },
  examples: { '@id': 'cr:examples', '@type': '@json' },
  ...Object.fromEntries(terms.map((term) => [term, `cr:${term}`])),
}

/** What single values of a card may be. */
export const name = z.string().min(1, 'expected text')
export const text = z.string().optional()
export const texts = z.union([name, z.array(name).min(1)], 'expected text, or a list of texts')
export const flag = z.boolean().optional()
export const day = z.union(
  [z.iso.date(), z.iso.datetime({ local: true, offset: true })],
  'expected a date, as 2026-01-31',
)
export const web = z.url({ protocol: /^https?$/, error: 'expected a URL, as https://example.org/data' })
export const sha256 = z.string().regex(/^[0-9a-fA-F]{64}$/, 'expected 64 hexadecimal digits')
export const id = z.string().regex(/^\S+$/, 'expected an @id, which has no spaces')
/** Of another part of the card: `{ '@id' }`, or the @id alone, as some write it. */
export const reference = z.preprocess((to) => (typeof to === 'string' ? { '@id': to } : to), open({ '@id': id }))

/** In JSON-LD, one value and a list of one are the same; what has been read always has the list. */
export const many = <S extends z.ZodType>(one: S) =>
  z.preprocess((given) => (given === undefined || Array.isArray(given) ? given : [given]), z.array(one).min(1))
/** The types of a vocabulary, by their short names and in full. */
const typed = (vocabulary: readonly string[], ...types: readonly string[]) =>
  z.literal(vocabulary.flatMap((prefix) => types.map((type) => `${prefix}${type}`)))
/** A type of Croissant. */
export const ofCroissant = (type: string) => typed(['cr:', croissant], type)
/** One of some types of schema.org. */
export const ofSchema = (...types: string[]) =>
  typed(['sc:', '', 'https://schema.org/', 'http://schema.org/'], ...types)

/** One field of these, and no second one. */
export const oneOf =
  (keys: readonly string[], most = 1) =>
  (value: Readonly<Record<string, unknown>>, { addIssue }: z.RefinementCtx) => {
    const found = keys.filter((key) => value[key] !== undefined)
    if (found.length < 1 || found.length > most)
      addIssue({ code: 'custom', message: `expected one of ${keys.join(', ')}, found ${found.join(', ') || 'none'}` })
  }

/** Says what is wrong at a place of a card. */
export type Told = (path: readonly PropertyKey[], message: string) => void

/** The names of a context may be left out or added to, but not given another meaning. */
export const sameMeaning = (given: Readonly<Record<string, unknown>>, tell: Told) => {
  const meant = (one: unknown) => String(Object(one)['@id'] ?? one).replace(/^cr:/, croissant)
  for (const [term, meaning] of Object.entries(context).filter(([term]) => Object.hasOwn(given, term)))
    if (term !== '@language' && meant(given[term]).replace(/^http:\/\/schema/, 'https://schema') !== meant(meaning))
      tell(['@context', term], `expected ${JSON.stringify(meaning)}`)
}
