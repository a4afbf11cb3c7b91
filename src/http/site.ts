import type { OpenAPIHono } from '@hono/zod-openapi'
import type { Bus } from '#bus/bus'
import type { Graph } from '#contracts/pipeline'
import type { Viewer } from '#projections/viewer'

/** What one web process serves, and on whose behalf. */
export type Site = {
  readonly bus: Bus
  readonly viewer: Viewer
  /** The pipelines whose pages are here. */
  readonly graphs: readonly Graph[]
  /** In whose name the users of this server ask. */
  readonly user: string
  /** Names under which it may be reached, without ports; an IPv6 address in brackets. */
  readonly names: readonly string[]
  readonly signal: AbortSignal
  readonly say?: (line: string) => void
  /** How often a stream of events says that it is alive, in milliseconds. */
  readonly heartbeat?: number
  /** How long a store may take with one answer about its bytes, in milliseconds. */
  readonly patience?: number
}

export type App = OpenAPIHono

/** The header that says how far the projection was when it answered. */
export const positionHeader = 'Millrace-Position'
