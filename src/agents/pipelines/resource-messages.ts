import type { Item, Written } from './resource.ts'

/** What a host and the process of a resource say to each other; `call` tells one request from another. */
export type ToResource =
  | { readonly kind: 'list'; readonly call: number }
  | { readonly kind: 'more'; readonly call: number }
  | { readonly kind: 'read'; readonly call: number; readonly item: Item; readonly to: string }
  | {
      readonly kind: 'write'
      readonly call: number
      readonly path: string
      readonly file: Written
      readonly overwrite: boolean
    }
  | { readonly kind: 'abort'; readonly call: number }

/** The process has loaded its config, and hears. */
export type Ready = { readonly kind: 'ready' }

export type FromResource =
  /** A part of a list; the next one comes once `more` has been said. */
  | { readonly kind: 'items'; readonly call: number; readonly items: readonly unknown[] }
  | { readonly kind: 'alive'; readonly call: number }
  | { readonly kind: 'done'; readonly call: number }
  | { readonly kind: 'failed'; readonly call: number; readonly reason: string; readonly readOnly?: boolean }
