import { addressWith } from './router.ts'

/** What the API said no with; `status` is 0 where nobody answered. */
export type Problem = Error & {
  readonly status: number
  readonly title: string
  /** Each field that is wrong, by its path. */
  readonly errors?: readonly { readonly field: string; readonly message: string }[]
}

const problem = (status: number, title: string, detail: string, errors: Problem['errors'] = []): Problem =>
  Object.assign(new Error(detail), { status, title, errors })

/** What can be said in a query: what is undefined is left out. */
export type Said = Readonly<Record<string, string | number | undefined>>

export const withQuery = addressWith

/** Asks the API; what is no success is thrown as a problem. */
export const ask = async (path: string, options: RequestInit = {}): Promise<Response> => {
  const response = await fetch(path, options).catch((cause: unknown) => {
    if (options.signal?.aborted) throw cause
    throw problem(0, 'No answer', 'The server does not answer.')
  })
  if (response.ok) return response
  const said = (await response.json().catch(() => ({}))) as Partial<Problem> & { readonly detail?: string }
  const { title = 'The request failed', detail = `Status ${response.status}.`, errors } = said
  throw problem(response.status, title, detail, errors)
}

export const read = async <T>(path: string, said: Said, signal: AbortSignal): Promise<T> =>
  (await ask(withQuery(path, said), { signal })).json() as Promise<T>

/** Posts what is asked for. The id in the body is kept when the same is sent again, so that it is done once. */
export const order = (path: string, body: Readonly<Record<string, unknown>>, method = 'POST'): Promise<Response> =>
  ask(path, { method, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) })

/** Where the bytes of an artifact are. */
export const contentOf = (store: string, path: string): string => withQuery(`/api/artifacts/${store}/content`, { path })
