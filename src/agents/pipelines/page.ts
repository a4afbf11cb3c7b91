import type { Listed } from './handles.ts'
import type { Store } from './store.ts'

/** A part of a list, by path; `next` says after which path to ask on, and is null at the end. */
export type Page = { readonly listed: readonly Listed[]; readonly next: string | null }

/** How much of a list goes into one message: artifacts, and bytes. */
const mostListed = 1_000
const mostBytes = 256 * 1024

/** What lies behind a path, as far as it goes into one message. */
export const pageOf = (store: Pick<Store, 'list'>, after: string | undefined): Page => {
  const found = store.list(after, mostListed)
  let bytes = 0
  const tooMany = found.findIndex((one) => {
    bytes += Buffer.byteLength(JSON.stringify(one)) + 1
    return bytes > mostBytes
  })
  const listed = tooMany > 0 ? found.slice(0, tooMany) : found
  const isLast = listed.length === found.length && found.length < mostListed
  return { listed, next: isLast ? null : (listed.at(-1)?.path ?? null) }
}
