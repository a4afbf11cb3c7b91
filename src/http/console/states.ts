import type { GraphNode } from './api.ts'

/** The words for how a node stands. */
export const words = [
  'waiting',
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

/**
 * The word for a node: the API's own, and of a store that waits also for what. None for a store that is ready, for it is not
 * executed.
 */
export const wordOf = ({ kind, state }: Pick<GraphNode, 'kind' | 'state'>): Word | undefined => {
  if (state === 'waiting' && kind === 'metadata-store') return 'waiting for a metric'
  if (state === 'waiting' && keepsFiles({ kind })) return 'waiting for files'
  if (state === 'succeeded' && kind !== 'action') return undefined
  return words.find((word) => word === state.replaceAll('-', ' '))
}

export type Kind = { readonly label: string; readonly icon: IconName }
export type IconName = 'database' | 'inbox' | 'folder' | 'model' | 'dataset' | 'resource' | 'gear' | 'link' | 'question'

const storeIcons: Readonly<Record<string, IconName>> = {
  'model-registry': 'model',
  'dataset-registry': 'dataset',
  resource: 'resource',
}

/** What a kind of node is called, and its icon. */
export const kindOf = ({ kind, watch }: { readonly kind: string; readonly watch?: boolean | undefined }): Kind => {
  if (kind === 'metadata-store') return { label: 'metadata store', icon: 'database' }
  if (keepsFiles({ kind })) {
    const label = kind === 'filesystem-store' ? 'store' : kind.replaceAll('-', ' ')
    return { label: watch ? `watched ${label}` : label, icon: storeIcons[kind] ?? (watch ? 'inbox' : 'folder') }
  }
  if (kind === 'action') return { label: 'action', icon: 'gear' }
  if (isClient({ kind })) return { label: kind.replace('-', ' '), icon: 'link' }
  return { label: kind === 'unknown' ? 'not defined yet' : kind.replaceAll('-', ' '), icon: 'question' }
}

/** Whether a node keeps files. */
export const keepsFiles = ({ kind }: Pick<GraphNode, 'kind'>): boolean =>
  ['filesystem-store', 'model-registry', 'dataset-registry', 'resource'].includes(kind)

export const isClient = ({ kind }: Pick<GraphNode, 'kind'>): boolean => kind.endsWith('-client')

/** The words for how a run stands, as the API has them. */
export const runStates = ['running', 'paused', 'cancelling', 'succeeded', 'failed', 'cancelled', 'timed-out'] as const

/** Why a run was started, in words. */
export const triggerWords: Readonly<Record<string, string>> = {
  files: 'files',
  request: 'asked for',
  metric: 'a metric',
  rerun: 'a run repeated',
}

type Standing = { readonly state: string; readonly startedAt: string | null; readonly endedAt: string | null }

/** Whether a node is executed, as far as anybody knows: where its host is away, it was when that was last heard of. */
export const isAtWork = ({ state, startedAt, endedAt }: Standing): boolean =>
  ['preparing', 'running', 'cleaning-up'].includes(state) ||
  (state === 'host away' && startedAt !== null && endedAt === null)
