import { basename, extname } from 'node:path/posix'
import { faults } from '#bus/fault'
import { type GivenDataset, writeDatasetCard } from './dataset-card.ts'
import type { StoreKind } from './definition.ts'
import { type GivenModelCard, writeModelCard } from './model-card.ts'

/** What a person says of a dataset that lies in a registry; without `files`, it is the one file that the card lies beside. */
export type DatasetSaid = Omit<GivenDataset, 'files'> & { readonly files?: GivenDataset['files'] }

/** The card of one file: where it lies, and what it says. */
export type Card = { readonly path: string; readonly text: string }

const suffixes: Partial<Record<StoreKind, string>> = {
  'model-registry': '.card.md',
  'dataset-registry': '.croissant.json',
}

/** Where the card of a file lies in a store of this kind; undefined where the kind knows no cards. */
export const cardPathOf = (kind: StoreKind, path: string): string | undefined => {
  const suffix = suffixes[kind]
  return suffix && path + suffix
}

/**
 * What a path is the card of, by its name alone: a card may arrive before its file, and must not count as data meanwhile.
 * Undefined where it is none.
 */
export const cardedBy = (kind: StoreKind, path: string): string | undefined => {
  const suffix = suffixes[kind]
  return suffix && path.endsWith(suffix) && basename(path) !== suffix ? path.slice(0, -suffix.length) : undefined
}

/** The card of a file, as its registry keeps it. A wrong one is a fault that names each field. */
export const writeCard = (
  kind: StoreKind,
  store: string,
  path: string,
  said: unknown,
  { digest, size }: { readonly digest: string; readonly size: number },
): Card => {
  const at = cardPathOf(kind, path)
  if (at === undefined) throw faults.keepsNoCards(store, kind)
  if (kind === 'model-registry') return { path: at, text: writeModelCard(said as GivenModelCard) }
  const file = { path: basename(path), sha256: digest, size, encodingFormat: formatOf(path) }
  const dataset = said as DatasetSaid
  const files = Object(said) === said && dataset.files === undefined ? { files: [file] } : {}
  return { path: at, text: writeDatasetCard({ ...dataset, ...files } as GivenDataset) }
}

/** Says what is wrong with a card before its file is there. */
export const checkCard = (kind: StoreKind, store: string, path: string, said: unknown): void => {
  writeCard(kind, store, path, said, { digest: '0'.repeat(64), size: 0 })
}

const formats: Readonly<Record<string, string>> = {
  '.csv': 'text/csv',
  '.tsv': 'text/tab-separated-values',
  '.txt': 'text/plain',
  '.md': 'text/markdown',
  '.html': 'text/html',
  '.json': 'application/json',
  '.jsonl': 'application/jsonlines',
  '.ndjson': 'application/jsonlines',
  '.xml': 'application/xml',
  '.parquet': 'application/vnd.apache.parquet',
  '.arrow': 'application/vnd.apache.arrow.file',
  '.zip': 'application/zip',
  '.gz': 'application/gzip',
  '.tgz': 'application/gzip',
  '.tar': 'application/x-tar',
  '.pdf': 'application/pdf',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.gif': 'image/gif',
  '.webp': 'image/webp',
  '.wav': 'audio/wav',
  '.mp3': 'audio/mpeg',
  '.mp4': 'video/mp4',
}

/** What a file probably is, by its name. */
const formatOf = (path: string): string => formats[extname(path).toLowerCase()] ?? 'application/octet-stream'
