import { queryOptions } from '@tanstack/react-query'
import { ask } from './ask.ts'

/** How much of a file is fetched for its preview, in bytes. */
export const mostShown = 256 * 1024

export type Content = { readonly bytes: Uint8Array<ArrayBuffer>; readonly whole: boolean }

/** The beginning of the bytes that lie at an address; what is beyond is not fetched. */
export const contentQuery = (address: string, digest: string) =>
  queryOptions({
    queryKey: ['content', address, digest],
    queryFn: ({ signal }) => beginning(address, signal),
    structuralSharing: false,
  })

const beginning = async (address: string, signal: AbortSignal): Promise<Content> => {
  const response = await ask(address, { signal })
  const bytes = new Uint8Array(mostShown)
  let length = 0
  for await (const chunk of response.body ?? []) {
    const room = chunk.subarray(0, mostShown - length)
    bytes.set(room, length)
    length += room.length
    // Leaving the loop ends the transfer.
    if (room.length < chunk.length) return { bytes, whole: false }
  }
  return { bytes: bytes.slice(0, length), whole: true }
}

/** The text in some bytes; undefined where they are none. A letter that was cut in two at the end is left out. */
export const textIn = ({ bytes, whole }: Content): string | undefined => {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: !whole })
    return text.includes('\0') ? undefined : text
  } catch {
    return undefined
  }
}

const images: Readonly<Record<string, string>> = {
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  gif: 'image/gif',
  webp: 'image/webp',
  svg: 'image/svg+xml',
}

const endingOf = (path: string): string => path.split('.').at(-1)?.toLowerCase() ?? ''

/** The type of an image that is shown as one. What a browser shows so runs no script, and loads nothing, whatever an SVG holds. */
export const imageTypeOf = (path: string): string | undefined => images[endingOf(path)]

/** Whether a file is shown as Markdown: cards are written so. */
export const isMarkdown = (path: string): boolean => ['md', 'markdown'].includes(endingOf(path))

/** What stands between the cells of a table, where a file is one. */
export const separatorOf = (path: string): string | undefined => ({ csv: ',', tsv: '\t' })[endingOf(path)]

/** Keeps a number as it was written, where the browser can: some are longer than a number here can be. */
const asWritten = (_: string, value: unknown, context?: { readonly source?: string }): unknown => {
  const { rawJSON } = JSON as { readonly rawJSON?: (text: string) => unknown }
  return typeof value === 'number' && context?.source && rawJSON ? rawJSON(context.source) : value
}

/** JSON with its lines indented; undefined where it is none. */
export const prettyJson = (path: string, text: string): string | undefined => {
  if (!['json', 'jsonld', 'ipynb'].includes(endingOf(path))) return undefined
  try {
    return JSON.stringify(JSON.parse(text, asWritten), undefined, 2)
  } catch {
    return undefined
  }
}
