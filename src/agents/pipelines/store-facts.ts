import type { Fact } from '#bus/outbox'
import type { By } from '#contracts/artifact'
import { splitPart } from '#contracts/names'
import type { Promised } from './ledger.ts'
import type { Arrival } from './origin.ts'

type Asked = Pick<Arrival, 'causedBy' | 'principal'>

/** What a store says of what happens in it. */
export const factsOfStore = (part: string) => {
  const { pipeline, node } = splitPart(part)
  const address = { aggregate: 'artifact', scope: pipeline, key: node }

  const factOf = (type: string, data: object, { causedBy, principal }: Asked = {}): Fact => ({
    ...{ address, type, data: { store: part, ...data } },
    ...{ causedBy, principal },
  })

  const tagged = (
    of: { readonly path: string; readonly digest: string },
    tags: Readonly<Record<string, string>>,
    { by, ...asked }: Asked & { readonly by?: By | undefined },
  ): Fact => factOf('artifact.tagged', { path: of.path, digest: of.digest, tags, ...(by && { by }) }, asked)

  /** What is recorded of bytes that arrived: first how they came, then what they, and their card, were tagged with. */
  const factsOf = (promised: Promised, isKnown = false): Fact[] => {
    const { path, digest, size, arrival } = promised
    const { how, by, peer, card, cardOf, took } = arrival
    const data = { path, digest, size, ...(by && { by }) }
    const tags = { ...arrival.tags, ...(card && { card: card.path }), ...(cardOf && { 'card-of': cardOf.path }) }
    const said = Object.keys(tags).length > 0 ? [tagged(promised, tags, arrival)] : []
    if (cardOf?.digest) said.push(tagged({ path: cardOf.path, digest: cardOf.digest }, { card: path }, arrival))
    switch (how) {
      case 'saved':
        return [factOf('artifact.saved', data, arrival), ...said]
      case 'uploaded':
        return [factOf('artifact.uploaded', { ...data, from: peer, took }, arrival), ...said]
      case 'downloaded':
        return [factOf('artifact.downloaded', { ...data, store: peer, to: part, took }, arrival), ...said]
      case 'fetched':
        return [factOf('artifact.detected', { path, digest, size, change: isKnown ? 'changed' : 'new' }, arrival)]
      case 'kept':
        return []
    }
  }

  return { factOf, tagged, factsOf }
}
