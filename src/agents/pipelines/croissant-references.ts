import type { z } from 'zod'
import { hint } from '#contracts/nearest'
import { type Field, isSet, origins, type shape } from './croissant.ts'
import type { Told } from './croissant-terms.ts'

/** Every @id is there once, and whatever names another part of the card names one of the right kind. */
export const crossed = (card: z.output<typeof shape>, tell: Told) => {
  type Kind = 'fileObject' | 'fileSet' | 'recordSet' | 'field'
  type Place = readonly PropertyKey[]
  const parts = new Map<string, { readonly kind: Kind; readonly at: string }>()
  const add = (part: string, kind: Kind, at: Place) => {
    const before = parts.get(part)
    if (before) tell([...at, '@id'], `'${part}' is the @id of ${before.at} already`)
    else parts.set(part, { kind, at: at.join('.') })
  }
  const refer = (to: string, kinds: readonly Kind[], at: Place) => {
    if (kinds.includes(parts.get(to)?.kind as Kind)) return
    const known = parts.size > 100 ? [] : [...parts].filter(([, { kind }]) => kinds.includes(kind)).map(([one]) => one)
    tell(at, `no ${kinds.join(' or ')} has the @id '${to}'${hint(to, known)}`)
  }
  const files = card.distribution.map((file, index) => ({ file, at: ['distribution', index] }))
  const sets = (card.recordSet ?? []).map((set, index) => ({ set, at: ['recordSet', index] }))
  const fieldsOf = (fields: readonly Field[] = [], at: Place): { readonly one: Field; readonly at: Place }[] =>
    fields.flatMap((one, index) => [{ one, at: [...at, index] }, ...fieldsOf(one.subField, [...at, index, 'subField'])])

  for (const { file, at } of files) add(file['@id'], isSet(file) ? 'fileSet' : 'fileObject', at)
  for (const { set, at } of sets) add(set['@id'], 'recordSet', at)
  for (const { set, at } of sets)
    for (const inner of fieldsOf(set.field, [...at, 'field'])) add(inner.one['@id'], 'field', inner.at)

  for (const { file, at } of files) {
    for (const [index, container] of (file.containedIn ?? []).entries()) {
      if (container['@id'] === file['@id']) tell([...at, 'containedIn', index], 'it is contained in itself')
      refer(container['@id'], ['fileObject', 'fileSet'], [...at, 'containedIn', index])
    }
    if (isSet(file) || file.containedIn) continue
    if (!file.contentUrl) tell([...at, 'contentUrl'], 'is missing; expected a URL, or a path beside the card')
    if (!card.isLiveDataset && !file.sha256 && !file.md5)
      tell([...at, 'sha256'], 'is missing; expected 64 hexadecimal digits')
  }
  for (const { set, at } of sets) {
    const fields = fieldsOf(set.field, [...at, 'field'])
    for (const [index, key] of (set.key ?? []).entries())
      if (!fields.some(({ one }) => one.name === key['@id'])) refer(key['@id'], ['field'], [...at, 'key', index])
    const columns = (set.field ?? []).map((one) => one['@id'])
    for (const [index, record] of (set.data ?? []).entries()) {
      if (Object.keys(record).length === columns.length && columns.every((one) => Object.hasOwn(record, one))) continue
      tell([...at, 'data', index], `expected the fields ${columns.slice(0, 10).join(', ')}`)
    }
    const sourced = set.data || fields.some(({ one }) => one.source ?? one.references)
    for (const { one, at: place } of fields) {
      for (const [key, from] of [['source', one.source] as const, ['references', one.references] as const])
        for (const origin of origins.filter((way) => from?.[way] !== undefined)) {
          const to = origin === '@id' ? from?.['@id'] : from?.[origin]?.['@id']
          if (to === one['@id']) tell([...place, key, origin], 'it is itself')
          refer(to ?? '', origin === '@id' ? ['fileObject', 'fileSet', 'field'] : [origin], [...place, key, origin])
        }
      if (one.source && one.value !== undefined) tell([...place, 'value'], 'there is a source already')
      if (one.subField) continue
      if (!sourced && one.value === undefined) tell([...place, 'source'], 'is missing; expected a source, or a value')
      if (!one.dataType && !one.source?.field && !one.source?.['@id'])
        tell([...place, 'dataType'], 'is missing; expected a type, as sc:Text')
    }
  }
}
