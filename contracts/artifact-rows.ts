import type { ArtifactState } from './artifact.ts'
import type { Held } from './rows.ts'

/** An artifact as it lies in its store. */
export type ArtifactRow = Held & {
  /** `<pipeline>/<store>`. */
  readonly store: string
  readonly path: string
  readonly digest: string
  readonly size: number | null
  readonly state: ArtifactState
  readonly run: string | null
  readonly part: string | null
  readonly at: string
}

/** Something that happened to an artifact. */
export type HappeningRow = {
  readonly position: string
  readonly store: string
  readonly path: string
  readonly what:
    | 'detected'
    | 'changed'
    | 'offered'
    | 'used'
    | 'produced'
    | 'uploaded'
    | 'downloaded'
    | 'tagged'
    | 'gone'
    | 'unreadable'
  readonly digest: string | null
  readonly size: number | null
  readonly run: string | null
  readonly part: string | null
  readonly attempt: number | null
  /** The client at the other end of a transfer. */
  readonly peer: string | null
  /** How long the transfer took, in milliseconds, where that is known. */
  readonly took: number | null
  readonly reason: string | null
  readonly principal: string
  readonly at: string
}

/** Something that was said about an artifact. */
export type ArtifactTagRow = {
  readonly position: string
  readonly key: string
  readonly value: string
  readonly store: string
  readonly path: string
  readonly digest: string
  readonly principal: string
  readonly at: string
}

/** What led to what: bytes at their places, and executions of nodes. */
export type Lineage = {
  /** The things that were asked for, by `id`. */
  readonly from: readonly string[]
  readonly things: readonly LineageThing[]
  /** `source` is the reason of `target`; both are ids of things. */
  readonly edges: readonly {
    readonly source: string
    readonly target: string
    readonly kind: string
    readonly position: string
  }[]
  /** There is more than is said here. */
  readonly truncated?: true | undefined
}
export type LineageThing =
  | {
      readonly kind: 'artifact'
      readonly id: string
      readonly store: string
      readonly path: string
      readonly digest: string
    }
  | { readonly kind: 'execution'; readonly id: string; readonly run: string; readonly part: string }
