import { faults } from '#bus/fault'
import { makeFolder } from '#bus/make-folder'
import type { Outbox } from '#bus/outbox'
import type { Local } from '../local.ts'
import { type Lying, openAdmission, type Saying } from './admission.ts'
import type { StoreKind } from './definition.ts'
import { digestOfFile, draft, inside, stampOf } from './folder.ts'
import type { Listed } from './handles.ts'
import { openLedger } from './ledger.ts'
import { openMirror } from './mirror.ts'
import type { Arrival } from './origin.ts'
import { type Card, cardPathOf, checkCard, writeCard } from './registry-card.ts'
import type { Source } from './source.ts'
import { openIndex } from './store-index.ts'

type Options = {
  readonly kind?: StoreKind
  /** What the folder mirrors, where its kind is `resource`. */
  readonly source?: Source | undefined
}

/** A folder as a store: what lies in it, how bytes get in, and what is recorded of it. */
export const openStore = async (
  part: string,
  root: string,
  local: Local,
  outbox: Outbox,
  { kind = 'filesystem-store', source }: Options = {},
) => {
  makeFolder(part, root)
  const ledger = openLedger(part, local)
  const given = { part, root, kind, local, outbox, ledger, source }
  const admission = openAdmission(given)
  let readied: ((lying: Lying) => void) | undefined
  const admit: typeof admission.admit = async (...asked) => {
    const lying = await admission.admit(...asked)
    if (ledger.fetched()) readied?.(lying)
    return lying
  }
  const index = openIndex(given)

  /** What lies at a path, hashed anew where nobody has said. */
  const find = async (path: string): Promise<Lying> => {
    const file = await inside(root, path)
    const found = await stampOf(file).catch(() => undefined)
    if (!found?.isFile) throw faults.noArtifact(path, part)
    const known = ledger.known(path)
    const same = known?.size === found.size && known.modified === found.modified
    const content = same ? known : await digestOfFile(file)
    return { path, digest: content.digest, size: content.size, file }
  }

  /** What lies here, by path: at most `limit` of those behind `after`. */
  const list = (after = '', limit = -1): readonly Listed[] => ledger.list(after, limit)

  /** Says something of what lies at a path; a fault where nothing does. */
  const tag = (path: string, tags: Readonly<Record<string, string>>, who: Saying = {}): Promise<void> =>
    admission.tag(path, tags, who, find)

  /** Gives what lies at a path a card, and tags both with each other. */
  const card = async ({ path, text }: Card, of: Pick<Listed, 'path' | 'digest'>, arrival: Arrival): Promise<Lying> =>
    admit(await draft(root, text), path, { ...arrival, cardOf: { path: of.path, digest: of.digest } })

  await admission.keepPromises()
  return {
    part,
    root,
    kind,
    admit,
    find,
    list,
    tag,
    card,
    /** Clients fetch from here: from now on, what has been admitted is readied for them. */
    fetch: ledger.fetch,
    /** Who readies it. */
    onAdmitted: (ready: (lying: Lying) => void): void => {
      readied = ready
    },
    /** The card of a file that is to lie here; a wrong one is a fault. */
    cardFor: (path: string, said: unknown, content: Pick<Listed, 'digest' | 'size'>): Card =>
      writeCard(kind, part, path, said, content),
    checkCard: (path: string, said: unknown): void => checkCard(kind, part, path, said),
    /** Where the card of a file lies; a fault where this store keeps none. */
    cardPath: (path: string): string => {
      const at = cardPathOf(kind, path)
      if (at === undefined) throw faults.keepsNoCards(part, kind)
      return at
    },
    index,
    mirror: openMirror({ ...given, ...admission, index }),
  }
}

export type Store = Awaited<ReturnType<typeof openStore>>
