import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect } from 'vitest'
import type { Manifest } from '#agents/containers/manifest'
import type { Reach } from '#agents/uploads/reach'
import { upload } from '#agents/uploads/upload'
import type { Target } from '#agents/uploads/upload-target'
import { layWire } from './proxy.ts'

export const sha256 = (bytes: Buffer | string): string => createHash('sha256').update(bytes).digest('hex')

/** Results of a run of `rover-1` as they lie at the portal. */
export const layResults = (
  folder: string,
  files: Readonly<Record<string, string | Buffer>>,
  { site = 'north', node = 'one', run = 1 } = {},
): Manifest => {
  const here = join(folder, site, node)
  const listed = Object.entries(files).map(([path, bytes]) => {
    const place = join(here, 'files', path)
    mkdirSync(dirname(place), { recursive: true })
    writeFileSync(place, bytes)
    return { path, size: Buffer.byteLength(bytes), sha256: sha256(bytes) }
  })
  const about = { version: 1, experiment: 'rover-1', attempt: 1, run, site, node, partial: false } as const
  const manifest: Manifest = { ...about, files: listed, refused: [] }
  mkdirSync(here, { recursive: true })
  writeFileSync(join(here, 'manifest.json'), JSON.stringify(manifest, undefined, 2))
  return manifest
}

/** Uploads results, and says what was said meanwhile. */
export const uploading = async (
  target: Target,
  folder: string,
  manifests: readonly Manifest[],
  { patience = 10_000, signal = new AbortController().signal } = {},
) => {
  const said: string[] = []
  const came = await upload({
    folderOf: ({ site, node }) => join(folder, site, node),
    target,
    manifests,
    patience,
    signal,
    say: (line) => said.push(line),
  })
  return { ...came, said }
}

/** What an act was refused with. It holds nothing of what is secret. */
export const faultOf = async (
  act: Promise<unknown>,
  secret = 'a-secret-of-tests',
): Promise<Error & { code?: string }> => {
  const fault = await act.then(
    () => expect.unreachable('It was not refused'),
    (thrown: Error & { code?: string }) => thrown,
  )
  expect(`${fault.message} ${fault.stack}`).not.toContain(secret)
  return fault
}

/** What lies in a folder, by path. */
export const lies = (folder: string, path: string): string => readFileSync(join(folder, path), 'utf8')

/** A wire to a server on this machine that is cut each time so many bytes have gone through to it, so many times. */
export const layCutWire = async (port: number, { cuts, after }: { readonly cuts: number; readonly after: number }) => {
  const wire = await layWire(port)
  let left = cuts
  const cutOn = async () => {
    for (; left > 0; left--) {
      await wire.passed('up', after)
      wire.cut()
    }
  }
  void cutOn()
  return { ...wire, left: () => left }
}

/** What may be sent to in tests: this machine. */
export const here: Reach = { privateHosts: ['127.0.0.1'], ownKeys: false }
