import type { GraphNode } from './api.ts'

/** The words for how a node stands. */
export const words = [
  'waiting for files',
  'waiting for a metric',
  'queued',
  'preparing',
  'running',
  'cleaning up',
  'succeeded',
  'failed',
  'errored',
  'skipped',
  'paused',
  'cancelled',
  'host away',
] as const
export type Word = (typeof words)[number]

type Standing = Pick<GraphNode, 'kind' | 'state' | 'run'>

/** The word for a node. The API has one state for whatever waits; the reason beside it says for what. */
export const wordOf = ({ kind, state, run }: Standing): Word => {
  const known = words.find((word) => word === state)
  if (known) return known
  if (kind === 'unknown') return 'host away'
  return kind === 'action' && run !== null ? 'queued' : 'waiting for files'
}

export type Kind = { readonly label: string; readonly icon: IconName }
export type IconName = 'database' | 'inbox' | 'folder' | 'gear' | 'link' | 'question'

/** What a kind of node is called, and its icon. */
export const kindOf = ({ kind, watch }: { readonly kind: string; readonly watch?: boolean | undefined }): Kind => {
  if (kind === 'metadata-store') return { label: 'metadata store', icon: 'database' }
  if (kind === 'filesystem-store')
    return watch ? { label: 'watched store', icon: 'inbox' } : { label: 'store', icon: 'folder' }
  if (kind === 'action') return { label: 'action', icon: 'gear' }
  if (isClient({ kind })) return { label: kind.replace('-', ' '), icon: 'link' }
  return { label: kind === 'unknown' ? 'not defined yet' : kind.replaceAll('-', ' '), icon: 'question' }
}

export const isClient = ({ kind }: Pick<GraphNode, 'kind'>): boolean => kind.endsWith('-client')
