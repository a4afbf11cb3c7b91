import type { OpenAPIHono } from '@hono/zod-openapi'
import type { Bus } from '#bus/bus'
import type { CloudLink } from '#contracts/cloud-link'
import type { Graph } from '#contracts/pipeline'
import type { Viewer } from '#projections/viewer'
import type { Tokens } from './tokens.ts'

/** What one web process serves, and on whose behalf. */
export type Site = {
  readonly bus: Bus
  readonly viewer: Viewer
  /** The pipelines whose pages are here. */
  readonly graphs: readonly Graph[]
  /** In whose name its users ask where they do not say who they are. */
  readonly user: string
  /** Who may come in, and by which token they are known; without any, whoever reaches this server is its user. */
  readonly tokens?: Tokens | undefined
  /** Takes a cloud link as somebody wrote it, puts away what is secret of it, and gives the rest. */
  readonly putSecret?:
    | ((link: string, about: { readonly experiment: string; readonly principal: string }) => Promise<CloudLink>)
    | undefined
  /** Names under which it may be reached, without ports; an IPv6 address in brackets. */
  readonly names: readonly string[]
  readonly signal: AbortSignal
  readonly say?: (line: string) => void
  /** How often a stream of events says that it is alive, in milliseconds. */
  readonly heartbeat?: number
  /** How long a store may take with one answer about its bytes, in milliseconds. */
  readonly patience?: number
}

/** What is known of a request: who asks. */
export type Asking = { Variables: { user: string } }

export type App = OpenAPIHono<Asking>

/** The header that says how far the projection was when it answered. */
export const positionHeader = 'Millrace-Position'
