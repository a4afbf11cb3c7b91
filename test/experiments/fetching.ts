import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { fetchSource, type SourceAsked } from '#agents/sources/fetch-source'
import { temporaryFolders } from '../processes.ts'

export const newFolder = temporaryFolders()

export const limits = { bytes: 10_000_000, files: 100, milliseconds: 30_000 }
export const usual = { 'config.yaml': 'device: { type: Rover }\n', 'src/main.py': 'print(1)\n' }

/** Fetches into an empty folder's `source`; what lies in that folder then, too. */
export const fetching = (link: string, change: Partial<SourceAsked> = {}) => {
  const place = newFolder()
  const into = join(place, 'source')
  const asked = { link, into, limits, allow: { protocols: ['https', 'ssh', 'file'] as const } }
  const fetched = fetchSource({ ...asked, signal: new AbortController().signal, say: () => undefined, ...change })
  fetched.catch(() => undefined)
  return { place, into, fetched, left: () => readdirSync(place) }
}

/** What is said where a source is refused; nothing of it is left then. */
export const refusal = async (link: string, change: Partial<SourceAsked> = {}): Promise<string> => {
  const { fetched, left } = fetching(link, change)
  const said = await fetched.then(
    () => 'fetched',
    (refused: Error) => refused.message,
  )
  expect(left()).toEqual([])
  return said
}
