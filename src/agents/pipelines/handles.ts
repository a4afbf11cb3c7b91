import type { GivenModelCard } from './model-card.ts'
import type { DatasetSaid } from './registry-card.ts'

export type { MetadataHandle, Metric } from './handles-metadata.ts'

/**
 * An artifact that an action may open. Reading it is recorded as use, with the digest of the bytes that were read; it rejects
 * where those are no longer the ones below.
 */
export type InputFile = {
  readonly path: string
  readonly digest: string
  readonly size: number
  /** Where it lies on this machine, for what is too large to be held in memory; what is read there is not recorded. */
  readonly file: string
  readonly text: () => Promise<string>
  readonly bytes: () => Promise<Uint8Array>
  readonly json: () => Promise<unknown>
}

/** What an artifact list says of each. */
export type Listed = { readonly path: string; readonly digest: string; readonly size: number }

/** Bytes to be kept: a text, bytes, or a file on this machine. */
export type Content = string | Uint8Array | { readonly file: string }

type Tags = Readonly<Record<string, string>>

/** What an action does with a store of its own pipeline. */
export type StoreHandle = {
  /** Writes atomically. Refuses a path that is taken, unless told to overwrite, and one that leaves the store. */
  readonly save: (
    path: string,
    content: Content,
    options?: { readonly overwrite?: boolean; readonly tags?: Tags },
  ) => Promise<Listed>
  readonly open: (path: string) => Promise<InputFile>
  readonly list: () => Promise<readonly Listed[]>
  readonly tag: (path: string, tags: Tags) => Promise<void>
}

/** What an action does with a registry of its own pipeline: all that it does with a store, and cards. */
type RegistryHandle<Card> = Omit<StoreHandle, 'save'> & {
  /** With a card, both are saved and tagged with each other: `card` says where it lies, `card-of` what it is of. */
  readonly save: (
    path: string,
    content: Content,
    options?: { readonly overwrite?: boolean; readonly tags?: Tags; readonly card?: Card },
  ) => Promise<Listed>
  /** Gives what lies at a path a card; a card that is there is replaced only by `overwrite`. Resolves to the card. */
  readonly card: (path: string, card: Card, options?: { readonly overwrite?: boolean }) => Promise<Listed>
}

/** A card lies beside its model, at `<path>.card.md`. */
export type ModelRegistryHandle = RegistryHandle<GivenModelCard>

/** A card lies beside its data, at `<path>.croissant.json`; where it names no `files`, it is of the file at `path`. */
export type DatasetRegistryHandle = RegistryHandle<DatasetSaid>

/** What an action does with a store of another pipeline; waits while that store's host is away. */
export type StoreClientHandle = {
  /** Resolves once the bytes lie verified in this client's folder. Rejects, as a store does, where nothing lies at the path. */
  readonly download: (path: string) => Promise<InputFile>
  /** The same: whoever only reads and tags is given a store of his own pipeline, or of another, and sees no difference. */
  readonly open: (path: string) => Promise<InputFile>
  /** Resolves once the bytes lie verified in the store, on its machine; in a registry, with their card. */
  readonly upload: (
    path: string,
    content: Content,
    options?: { readonly tags?: Tags; readonly card?: GivenModelCard | DatasetSaid },
  ) => Promise<Listed>
  readonly list: () => Promise<readonly Listed[]>
  /** Says something about what lies at a path of the store; resolves once the log has it. */
  readonly tag: (path: string, tags: Tags) => Promise<void>
}
