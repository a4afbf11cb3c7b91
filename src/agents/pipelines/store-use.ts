import type { Listed } from './handles.ts'
import type { Described } from './messages.ts'
import type { Arrival } from './origin.ts'
import type { Store } from './store.ts'
import type { Doing } from './store-asking.ts'

type Said = Pick<Arrival, 'overwrite' | 'tags'>

/** What an execution does with a store of its own pipeline, whichever host that lies on. */
export type StoreUse = {
  /** `<pipeline>/<store>`. */
  readonly part: string
  /** Takes drafted bytes in, with the text of their card. */
  readonly save: (
    drafted: string,
    path: string,
    said: Said & { readonly card?: string | undefined },
    doing: Doing,
  ) => Promise<Listed>
  /** Gives bytes that lie here a card. */
  readonly card: (
    text: string,
    of: Pick<Listed, 'path' | 'digest'>,
    said: Pick<Said, 'overwrite'>,
    doing: Doing,
  ) => Promise<Listed>
  /** What lies at a path, in a file on this host; a fault where nothing does. */
  readonly open: (path: string, doing: Doing) => Promise<Described>
  readonly list: (doing: Doing) => Promise<readonly Listed[]>
  readonly tag: (path: string, tags: Readonly<Record<string, string>>, doing: Doing) => Promise<void>
}

const arrivalOf = ({ by, delivery, causedBy }: Doing) => ({ how: 'saved', by, delivery, causedBy }) as const

/** A store that lies on this host. */
export const usedHere = (store: Store): StoreUse => ({
  part: store.part,
  save: (drafted, path, { card, ...said }, doing) =>
    store.admit(drafted, path, {
      ...said,
      ...arrivalOf(doing),
      card: card === undefined ? undefined : { path: store.cardPath(path), text: card },
    }),
  card: async (text, of, said, doing) =>
    store.card({ path: store.cardPath(of.path), text }, of, { ...said, ...arrivalOf(doing) }),
  open: store.find,
  list: async () => store.list(),
  tag: store.tag,
})
