import type { Context } from 'hono'

/** Some of the bytes, the last one included. */
export type Range = { readonly from: number; readonly to: number }

/**
 * The one range that a request asks for; undefined where it asks for all, for several ranges, or for a part of what has
 * become other bytes since. `outside`: there is no such byte.
 */
export const rangeIn = (c: Context, { size, digest }: { readonly size: number; readonly digest: string }) => {
  const [, first = '', last = ''] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(c.req.header('Range')?.trim() ?? '') ?? []
  if (first === '' && last === '') return undefined
  if ((c.req.header('If-Range') ?? `"${digest}"`) !== `"${digest}"`) return undefined
  const from = first === '' ? Math.max(0, size - Number(last)) : Number(first)
  const to = first === '' || last === '' ? size - 1 : Math.min(size - 1, Number(last))
  if (first !== '' && last !== '' && Number(last) < Number(first)) return undefined // It is no range at all.
  return from > to ? 'outside' : { from, to }
}

/** Those bytes of a stream. It is read to its end only where they reach so far: then all of it has been verified. */
export async function* part(bytes: AsyncIterable<Uint8Array>, { from, to }: Range): AsyncGenerator<Uint8Array> {
  let at = 0
  for await (const chunk of bytes) {
    const piece = chunk.subarray(Math.max(0, from - at), Math.max(0, to + 1 - at))
    if (piece.length > 0) yield piece
    at += chunk.length
    if (at > to + 1) return
  }
}
