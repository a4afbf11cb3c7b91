/** A file that is sent: where it lies here, how many bytes it has, and their SHA-256. */
export type SentFile = { readonly file: string; readonly size: number; readonly sha256: string }

/** A file, and what it is called there: names joined by `/`, the first of them the experiment's. */
export type Item = SentFile & { readonly path: string }

/** Whether a file was sent, or lay there already as it is. */
export type Put = 'sent' | 'there'

/** Where results go. All faults say what was refused there by whom, and nothing that is secret. */
export type Target = {
  /** The place in words for people, without secrets. */
  readonly told: string
  /** Rejects where results could not be put there now; leaves nothing behind. */
  readonly probe: (signal: AbortSignal) => Promise<void>
  /** Lets go of its connections, once it is not used any more. */
  readonly close?: () => void
} & (FileByFile | AllAtOnce)

export type FileByFile = {
  readonly takes: 'files'
  /** Is told once, before the files of a manifest, which of them it is and where that will lie. */
  readonly begin?: (manifest: Item, signal: AbortSignal) => Promise<void>
  /** Puts a file there, whole or not at all. */
  readonly put: (path: string, file: SentFile, signal: AbortSignal) => Promise<Put>
  /** Is told once that the manifest and all of its files are there. */
  readonly end?: (manifest: Item, signal: AbortSignal) => Promise<void>
}

export type AllAtOnce = {
  readonly takes: 'archive'
  /** Puts all files there as one archive, in this order. */
  readonly putAll: (items: readonly Item[], signal: AbortSignal, progress: (bytes: number) => void) => Promise<void>
}
