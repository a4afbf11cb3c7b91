import { existsSync, mkdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Header, type Pack, pack } from 'tar-stream'
import { expect, test } from 'vitest'
import { keepResults, keptOutcome } from '#agents/containers/keep-results'
import { readManifest, verifyManifest } from '#agents/containers/manifest'
import { resultPath } from '#agents/containers/result-path'
import { type Taken, unpack } from '#agents/containers/take-results'
import { temporaryFolders } from '../processes.ts'

const temporaryFolder = temporaryFolders()
const limits = { bytes: 1_000_000, files: 100 }
const run = { experiment: 'e-1', attempt: 2, number: 3, site: 'field', node: 'rover-1' }

type Entry = Partial<Header> & { readonly name: string; readonly text?: string }

const archiveOf = (...entries: readonly Entry[]): Pack => {
  const archive = pack()
  for (const { text, ...header } of [{ name: 'results/', type: 'directory' } as Entry, ...entries])
    archive.entry(header, text ?? '')
  archive.finalize()
  return archive
}

const take = async (
  entries: readonly Entry[],
  more: Partial<typeof limits> = {},
): Promise<Taken & { into: string }> => {
  const into = temporaryFolder()
  return { ...(await unpack(archiveOf(...entries), into, { ...limits, ...more })), into }
}

test.each<[string, Entry, RegExp]>([
  ['that climbs out', { name: 'results/../../evil' }, /'\.\.'/],
  ['with an absolute path', { name: '/etc/evil' }, /absolute/],
  ['with an absolute path below', { name: 'results//etc/evil' }, /absolute/],
  ['with a newline', { name: 'results/a\nb' }, /control/],
  ['with an escape', { name: 'results/\u001b[2J' }, /control/],
  ['that turns the text around', { name: 'results/\u202egpj.exe' }, /control/],
  ['that is no text', { name: 'results/a\ufffd' }, /no text/],
  ['with a part of 256 bytes', { name: `results/${'ü'.repeat(128)}` }, /longer than 255/],
  ['that is a link', { name: 'results/l', type: 'symlink', linkname: '/etc/passwd' }, /a link, to \/etc\/passwd/],
  ['that is a hard link', { name: 'results/l', type: 'link', linkname: '/etc/passwd' }, /hard link/],
  ['that is a device', { name: 'results/d', type: 'character-device', devmajor: 1, devminor: 3 }, /device/],
  ['that is a pipe', { name: 'results/p', type: 'fifo' }, /fifo/],
])('passes over an entry %s, says why, and takes the rest', async (_, entry, reason) => {
  const { files, refused, into } = await take([entry, { name: 'results/fine', text: 'fine' }])
  expect(files.map(({ path }) => path)).toEqual(['fine'])
  expect(refused).toHaveLength(1)
  expect(refused[0]?.reason).toMatch(reason)
  expect(readFileSync(join(into, 'fine'), 'utf8')).toBe('fine')
  expect(existsSync(join(into, '../evil')) || existsSync('/etc/evil')).toBe(false)
})

test('writes nothing through a link that was offered before', async () => {
  const outside = temporaryFolder()
  const { files, refused } = await take([
    { name: 'results/a', type: 'symlink', linkname: outside },
    { name: 'results/a/b', text: 'x' },
  ])
  expect(refused.map(({ path }) => path)).toEqual(['a'])
  expect(files.map(({ path }) => path)).toEqual(['a/b'])
  expect(existsSync(join(outside, 'b'))).toBe(false)
})

test('takes a name once, and goes on', async () => {
  const { files, refused, into } = await take([
    { name: 'results/a', text: 'first' },
    { name: 'results/a', text: 'second' },
    { name: 'results/a/b', text: 'below a file' },
    { name: 'results/c', text: 'c' },
  ])
  expect(files.map(({ path }) => path)).toEqual(['a', 'c'])
  expect(refused.map(({ path }) => path)).toEqual(['a', 'a/b'])
  expect(readFileSync(join(into, 'a'), 'utf8')).toBe('first')
})

test('takes no more files and no more bytes than it may', async () => {
  const entries = ['a', 'b', 'c'].map((name) => ({ name: `results/${name}`, text: 'x'.repeat(10) }))
  const few = await take(entries, { files: 2 })
  expect(few.files).toHaveLength(2)
  expect(few.refused).toEqual([{ path: 'c', reason: 'there are more than 2 files and folders' }])
  const small = await take(entries, { bytes: 25 })
  expect(small.files).toHaveLength(2)
  expect(small.refused).toEqual([{ path: 'c', reason: 'the results hold more than 25 bytes' }])
})

test('gives up an archive that goes on for ever beyond its limits', async () => {
  const archive = pack()
  let written = 0
  const entry = archive.entry({ name: 'results/huge', size: 2 ** 40 })
  const piece = Buffer.alloc(1024 * 1024)
  const fill = () => {
    while (entry.write(piece)) written += piece.length
    entry.once('drain', fill)
  }
  archive.on('error', () => undefined)
  entry.on('error', () => undefined)
  fill()
  const { files, refused } = await unpack(archive, temporaryFolder(), limits)
  expect(files).toEqual([])
  expect(refused.map(({ path }) => path)).toEqual(['huge', '…'])
  expect(written).toBeLessThan(64 * 1024 * 1024)
})

test('tells a thousand refusals one by one, and the count of the others', async () => {
  const links = Array.from({ length: 1_050 }, (_, at) => ({
    name: `results/l${at}`,
    type: 'symlink' as const,
    linkname: '/',
  }))
  const { refused } = await take(links, { files: 2_000 })
  expect(refused).toHaveLength(1_001)
  expect(refused.at(-1)).toEqual({ path: '…', reason: 'and 50 more' })
})

const kept = async () => {
  const root = temporaryFolder()
  const [into, folder] = [join(root, 'results.taking/files'), join(root, 'results')]
  mkdirSync(into, { recursive: true })
  const taken = await unpack(
    archiveOf({ name: 'results/b/c', text: 'c' }, { name: 'results/a', text: 'a' }),
    into,
    limits,
  )
  const outcome = await keepResults(folder, run, { exitCode: 0 }, taken)
  return { folder, files: join(folder, 'files'), outcome, manifest: await readManifest(join(folder, 'manifest.json')) }
}

test('keeps results with a manifest that agrees with them', async () => {
  const { folder, files, manifest, outcome } = await kept()
  expect(manifest.files.map(({ path }) => path)).toEqual(['a', 'b/c'])
  expect(manifest.files[0]?.sha256).toBe('ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb')
  expect(verifyManifest(files, manifest)).toEqual([])
  expect(await keptOutcome(folder, run)).toEqual(outcome)
  await expect(keptOutcome(folder, { ...run, number: 4 })).rejects.toThrow(/is there already.*holds run 3 of e-1/)
})

test('tells every file that is missing, altered or too much, by its path', async () => {
  const { files, manifest } = await kept()
  writeFileSync(join(files, 'a'), 'b')
  truncateSync(join(files, 'b/c'))
  writeFileSync(join(files, 'new'), '')
  symlinkSync('/etc/passwd', join(files, 'link'))
  const more = { path: 'z', size: 0, sha256: '0'.repeat(64) }
  const asked = { ...manifest, files: [...manifest.files, more] }
  const wrong = verifyManifest(files, asked)
  expect(wrong).toEqual([
    { path: 'a', problem: 'altered' },
    { path: 'b/c', problem: 'altered' },
    { path: 'link', problem: 'surplus' },
    { path: 'new', problem: 'surplus' },
    { path: 'z', problem: 'missing' },
  ])
  for (const of of [2, 3, 7]) {
    const shares = Array.from({ length: of }, (_, number) => verifyManifest(files, asked, { number, of }))
    expect(shares.flat().toSorted((a, b) => (a.path < b.path ? -1 : 1))).toEqual(wrong)
  }
})

test('does not read a link in place of a file', async () => {
  const { files, manifest } = await kept()
  writeFileSync(join(files, '../a'), 'a')
  mkdirSync(join(files, '../other'))
  symlinkSync('../../a', join(files, 'b/a'))
  const asked = { ...manifest, files: [{ path: 'b/a', size: 1, sha256: manifest.files[0]?.sha256 ?? '' }] }
  expect(verifyManifest(files, asked)).toContainEqual({ path: 'b/a', problem: 'altered' })
})

test.each([
  'not json',
  '{}',
  JSON.stringify({ version: 1, files: [{ path: '../x', size: 1, sha256: 'x' }] }),
])('refuses %s as a manifest', async (text) => {
  const file = join(temporaryFolder(), 'manifest.json')
  writeFileSync(file, text)
  await expect(readManifest(file)).rejects.toThrow(/manifest.json is no manifest of results: .*Fetch/s)
})

test('takes names of every script as paths', () => {
  expect(['a b', 'Größe.csv', '測定/1.csv', '.hidden', 'a\\b', '-rf'].map(resultPath)).toEqual(Array(6).fill(undefined))
})
