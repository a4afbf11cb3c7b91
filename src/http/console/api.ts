/** What the web process answers, as far as the console reads it. `/openapi.json` has all of it. */
export type GraphNode = {
  readonly part: string
  readonly pipeline: string
  readonly name: string
  readonly kind: string
  readonly state: string
  readonly reason: string | null
  readonly run: string | null
  readonly attempt: number | null
  readonly host: string | null
  readonly description?: string
  readonly watch?: boolean
  readonly path?: string
  /** A client: the store that it stands for. */
  readonly of?: string
  /** A store: files that no run has been offered yet. */
  readonly fresh?: number
}
export type GraphEdge = { readonly source: string; readonly target: string; readonly kind: 'after' | 'stands-for' }
export type Graph = { readonly nodes: readonly GraphNode[]; readonly edges: readonly GraphEdge[] }

export type Run = {
  readonly run: string
  readonly pipeline: string
  readonly number: number
  readonly state: string
  readonly trigger: string
  readonly message: string
  readonly failed: readonly string[] | null
  readonly startedAt: string
  readonly endedAt: string | null
}
export type RunNode = {
  readonly part: string
  readonly kind: string
  readonly after: readonly string[]
  readonly state: string
  readonly reason: string | null
  readonly message: string | null
  readonly attempt: number
  readonly host: string | null
}
export type Attempt = {
  readonly run: string
  readonly part: string
  readonly attempt: number
  readonly delivery: number
  readonly instance: string
  readonly host: string
  readonly outcome: string
  readonly reason: string | null
  readonly message: string | null
  readonly startedAt: string
  readonly endedAt: string | null
}
/** One thing that happened to an artifact. */
export type Happening = {
  readonly position: string
  readonly store: string
  readonly path: string
  readonly what: string
  readonly digest: string | null
  readonly size: number | null
  readonly run: string | null
  readonly part: string | null
  readonly peer: string | null
  readonly reason: string | null
  readonly principal: string
  readonly at: string
}
/** A metric, a param or a tag. */
export type Noted = {
  readonly position: string
  readonly key: string
  readonly value: unknown
  readonly step?: number | null
  readonly part: string | null
  readonly principal: string
  readonly at: string
}
export type RunDetail = Run & {
  readonly nodes: readonly RunNode[]
  readonly attempts: readonly Attempt[]
  readonly artifacts: readonly Happening[]
  readonly metrics: readonly Noted[]
  readonly params: readonly Noted[]
  readonly tags: readonly Noted[]
  /** Sections of which there is more than is said here. */
  readonly more?: readonly string[]
}
export type Artifact = {
  readonly store: string
  readonly path: string
  readonly digest: string
  readonly size: number | null
  readonly state: string
  readonly run: string | null
  readonly part: string | null
  readonly at: string
}
export type Thing =
  | { readonly kind: 'artifact'; readonly id: string; readonly store: string; readonly path: string }
  | { readonly kind: 'execution'; readonly id: string; readonly run: string; readonly part: string }
export type Lineage = {
  readonly things: readonly Thing[]
  readonly edges: readonly { readonly source: string; readonly target: string; readonly kind: string }[]
  /** There is more than that. */
  readonly truncated?: true
}
export type Request = { readonly request: string; readonly pipeline: string; readonly message: string }
export type Page<T> = { readonly items: readonly T[]; readonly next: string | null }

/** What the API said no with; `status` is 0 where nobody answered. */
export type Problem = Error & { readonly status: number; readonly title: string }

const problem = (status: number, title: string, detail: string): Problem =>
  Object.assign(new Error(detail), { status, title })

/** What can be said in a query: what is undefined is left out. */
export type Said = Readonly<Record<string, string | number | undefined>>

export const withQuery = (path: string, said: Said): string => {
  const given = Object.entries(said).flatMap(([key, value]) => (value === undefined ? [] : [[key, String(value)]]))
  return given.length > 0 ? `${path}?${new URLSearchParams(given)}` : path
}

/** Asks the API; what is no success is thrown as a problem. */
export const ask = async (path: string, options: RequestInit = {}): Promise<Response> => {
  const response = await fetch(path, options).catch((cause: unknown) => {
    if (options.signal?.aborted) throw cause
    throw problem(0, 'No answer', 'The server does not answer.')
  })
  if (response.ok) return response
  const said = (await response.json().catch(() => ({}))) as { readonly title?: string; readonly detail?: string }
  throw problem(response.status, said.title ?? 'The request failed', said.detail ?? `Status ${response.status}.`)
}

export const read = async <T>(path: string, said: Said, signal: AbortSignal): Promise<T> =>
  (await ask(withQuery(path, said), { signal })).json() as Promise<T>

/** Asks for a run. The id is kept when the same is sent again, so that it is done once. */
export const startRun = (pipeline: string, message: string, id: string): Promise<Response> =>
  ask(`/api/pipelines/${pipeline}/runs`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ message, id }),
  })

/** Where the bytes of an artifact are. */
export const contentOf = (store: string, path: string): string => withQuery(`/api/artifacts/${store}/content`, { path })
