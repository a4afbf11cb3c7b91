import { createHash, randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Bundles } from '#agents/experiments/bundle'
import { collectStep } from '#agents/experiments/collect-step'
import { resultsAt } from '#agents/experiments/places-of'
import { pullStep } from '#agents/experiments/pull-step'
import { siteConfig } from '#agents/experiments/site-config'
import type { Given } from '#agents/experiments/take-steps'
import { localMachine } from '#agents/machines/local-machine'
import { sshMachine } from '#agents/machines/ssh-machine'
import { startSshd } from '../test/experiments/sshd.ts'
import { inTurn, secondsOf } from './measure.ts'
import type { Bench } from './report.ts'

/**
 * What a run has left on an end node, brought to its site server and from there to the portal, held against its manifest each time;
 * against a bare rsync of the same.
 */
export const results: Bench = async ({ short }) => {
  const [files, size] = short ? [200, 64 * 1024] : [10_000, 107_374]
  const folder = await mkdtemp(join(tmpdir(), 'millrace-bench-'))
  const at = (...names: readonly string[]) => join(folder, ...names)
  const left = at('node', 'rover-1', 'results', '1-1')
  const manifest = await leave(left, files, size)
  const sshd = await startSshd()
  const machine = sshMachine(sshd.settings)
  try {
    const config = siteConfig.parse({
      ...{ site: 'north', registry: '127.0.0.1:1', experiments: at('site') },
      nodes: { one: { ssh: sshd.settings, agent: true, folder: at('node') } },
    })
    const bundles = undefined as unknown as Bundles // Nothing of it travels over the bus.
    const take = collectStep({ config, bundles, machine, hasAgent: true })
    const ran = { results: { manifest, files, bytes: files * size, refused: 0, partial: false }, run: 1 }
    const given = {
      ...{ id: 'rover-1', experiment: { parts: { 'north/one': { run: ran } } } },
      step: { part: 'north/one', step: 'collect', agent: 'collect-one', attempt: 1, try: 1, run: 1 },
      ...{ say: () => undefined, run: () => undefined, phase: () => undefined },
      signal: new AbortController().signal,
    } as unknown as Given
    const mebibytes = (files * size) / 2 ** 20
    /** How fast something brings all of it to a folder, which is removed behind it. */
    const bring = (folder: string, act: () => Promise<unknown>) => async () => {
      const seconds = await secondsOf(act)
      await rm(folder, { recursive: true, force: true })
      return mebibytes / seconds
    }
    const { host, port, user, identityFile, knownHosts } = sshd.settings
    const shell = `ssh -p ${port} -i ${identityFile} -o UserKnownHostsFile=${knownHosts} -o BatchMode=yes`
    const rsync = (from: string) => {
      const words = ['rsync', '-az', '-e', shell, `${user}@${host}:${from}/`, `${at('twin')}/`] as const
      return bring(at('twin'), () => localMachine().run([...words], { signal: given.signal }))
    }
    const rounds = short ? 1 : 3
    const collected = await inTurn(
      rounds,
      bring(at('site'), () => take(given)),
      rsync(left),
    )
    await take(given)
    const atSite = { run: ran, collect: { state: 'succeeded' } }
    const home = {
      ...given,
      experiment: { sites: { north: { nodes: ['north/one'] } }, attempt: 1, parts: { 'north/one': atSite } },
      step: { ...given.step, part: 'north/self', step: 'pull', agent: 'results-puller' },
    } as unknown as Given
    const pull = pullStep({ experiments: at('portal'), bundles, site: { machine, folder: at('site') } })
    const pulled = await inTurn(
      rounds,
      bring(at('portal'), () => pull(home)),
      rsync(at('site', 'rover-1', resultsAt('one', 1, 1))),
    )
    const what = `results of ${Math.round(mebibytes)} MiB in ${files} files`
    // Within 1.3 times of what a bare rsync takes.
    const bar = { atLeast: 1 / 1.3 }
    return [
      { what: `${what}, node to site`, unit: 'MiB/s', ...collected, bar },
      { what: `${what}, site to portal`, unit: 'MiB/s', ...pulled, bar },
    ]
  } finally {
    await machine.close()
    await sshd.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

/** Lays down what a run has left, and gives the digest of its manifest. */
const leave = async (folder: string, count: number, size: number): Promise<string> => {
  const files: { readonly path: string; readonly size: number; readonly sha256: string }[] = []
  for (let number = 0; number < count; number++) {
    const path = `part-${number % 100}/sample-${number}.bin`
    const bytes = randomBytes(size)
    await mkdir(join(folder, 'files', `part-${number % 100}`), { recursive: true })
    await writeFile(join(folder, 'files', path), bytes)
    files.push({ path, size, sha256: createHash('sha256').update(bytes).digest('hex') })
  }
  const about = { version: 1, experiment: 'rover-1', attempt: 1, run: 1, site: 'north', node: 'one', partial: false }
  const text = `${JSON.stringify({ ...about, files, refused: [] })}\n`
  await writeFile(join(folder, 'manifest.json'), text)
  return createHash('sha256').update(text).digest('hex')
}
