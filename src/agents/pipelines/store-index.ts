import type { Given } from './admission.ts'
import type { StoreKind } from './definition.ts'
import type { Row } from './ledger.ts'
import { cardedBy, cardPathOf } from './registry-card.ts'
import { factsOfStore } from './store-facts.ts'

/** What a watcher knows of a store's files, and how it reports what it sees: in one transaction with the fact that says it. */
export type Index = {
  readonly known: (path: string) => Row | undefined
  readonly paths: () => Iterable<string>
  readonly seen: (path: string, digest: string, size: number, modified: string) => void
  /** A file that lay there at the first start and is not to be offered. */
  readonly existing: (path: string) => void
  /** Whether the first start is done; until it is, the next start is the first one still. */
  readonly begun: () => boolean
  readonly begin: () => void
  readonly gone: (path: string) => void
  readonly unreadable: (path: string, reason: string) => void
  /** Says why nothing can be seen of the folder, or of the resource that it mirrors, once; also over restarts. */
  readonly failing: (reason: string) => void
  /** Says that it can be seen again, where the contrary had been said. */
  readonly back: () => void
  /** Takes what another host said last for what has been said: why nothing can be seen, or that it can. */
  readonly takeOver: (reason: string | undefined) => void
  /** Which folder had been looked through when its place was last kept, also by an earlier process. */
  readonly place: () => string | undefined
  readonly keepPlace: (place: string) => void
  /** The same of a folder that nobody watches. */
  readonly lookedAt: () => string | undefined
  readonly keepLookedAt: (place: string) => void
}

/**
 * What the watcher of a store keeps. A card that arrives in a registry is no data of its own: it is recorded as saved, by
 * nobody, and tagged with what it is of as soon as both are there; no run is offered it. What it says is not looked at.
 */
export const openIndex = ({ part, kind, local, outbox, ledger }: Given & { readonly kind: StoreKind }): Index => {
  const { factOf, tagged } = factsOfStore(part)
  const post = (type: string, data: object): string => outbox.post(factOf(type, data))
  const failing = local.prepare<[string], string>('select reason from failing where store = ?').pluck()
  const fail = local.prepare('insert or replace into failing (store, reason) values (?, ?)')
  const mend = local.prepare('delete from failing where store = ?')

  const arrived = (path: string, digest: string, size: number, before: Row | undefined): string => {
    const of = cardedBy(kind, path)
    if (of === undefined) {
      const fact = post('artifact.detected', { path, digest, size, change: before ? 'changed' : 'new' })
      const card = ledger.known(cardPathOf(kind, path) ?? '')
      if (card?.digest) outbox.post(tagged({ path, digest }, { card: card.path }, {}))
      return fact
    }
    const fact = post('artifact.saved', { path, digest, size })
    outbox.post(tagged({ path, digest }, { 'card-of': of }, {}))
    const carded = ledger.known(of)
    if (carded?.digest) outbox.post(tagged(carded, { card: path }, {}))
    return fact
  }

  return {
    ...ledger,
    seen: local.transaction((path: string, digest: string, size: number, modified: string) => {
      const before = ledger.known(path)
      if (before?.digest === digest) return ledger.keep({ ...before, size, modified })
      // Whoever promised these bytes records them, after a kill when it is asked again.
      if (ledger.promised(path)?.digest === digest) return
      const fact = before?.digest === '' ? null : arrived(path, digest, size, before)
      ledger.keep({ path, digest, size, modified, origin: 'seen', fact })
      ledger.release(path)
    }),
    gone: local.transaction((path: string) => {
      if (ledger.remove(path)) post('artifact.gone', { path })
    }),
    unreadable: (path, reason) => {
      post('artifact.unreadable', { path, reason })
    },
    failing: local.transaction((reason: string): void => {
      if (failing.get(part) === reason) return
      fail.run(part, reason)
      post('artifact.source-failing', { reason })
    }),
    takeOver: (reason) => {
      if (reason === undefined) mend.run(part)
      else fail.run(part, reason)
    },
    back: local.transaction((): void => {
      if (mend.run(part).changes > 0) post('artifact.source-back', {})
    }),
  }
}
