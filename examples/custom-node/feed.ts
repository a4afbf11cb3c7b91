import type { Item, Resource } from 'millrace'

/** What a feed says of each item: where it is, and its ETag or the time of its last change. */
type Entry = { readonly url: string; readonly etag?: string; readonly modified?: string; readonly size?: number }

const nameOf = (url: string): string => decodeURIComponent(new URL(url).pathname.slice(1))

/** An HTTP endpoint that answers with a JSON feed of items, `{ "items": [{ "url", "etag" or "modified" }] }`. */
export const httpFeed = (feed: string): Resource => {
  let last: { readonly etag: string | null; readonly items: readonly Item[] } = { etag: null, items: [] }
  const urls = new Map<string, string>()

  const get = async (url: string, signal: AbortSignal, etag: string | null = null): Promise<Response> => {
    const answer = await fetch(url, { signal, headers: etag ? { 'if-none-match': etag } : {} })
    if (!answer.ok && answer.status !== 304) throw new Error(`${url} answers ${answer.status}`)
    return answer
  }

  const itemOf = ({ url, etag, modified, size }: Entry): Item => {
    const absolute = new URL(url, feed).href
    const version = etag ?? modified
    if (version === undefined) throw new Error(`${url} in ${feed} has neither an etag nor a time of change`)
    urls.set(nameOf(absolute), absolute)
    return { path: nameOf(absolute), version, ...(size !== undefined && { size }) }
  }

  return {
    async *list({ signal }) {
      const answer = await get(feed, signal, last.etag)
      if (answer.status !== 304) {
        const { items } = (await answer.json()) as { readonly items: readonly Entry[] }
        last = { etag: answer.headers.get('etag'), items: items.map(itemOf) }
      }
      yield* last.items
    },
    async read(path, { version, signal }) {
      const answer = await get(urls.get(path) ?? new URL(path, feed).href, signal)
      const found = answer.headers.get('etag') ?? answer.headers.get('last-modified')
      if (found !== null && found !== version) throw new Error(`${path} has changed since it was listed`)
      return answer.body ?? ''
    },
  }
}
