import { existsSync, mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { filesystemStore, metadataClient, metadataStore, modelRegistry, pipeline } from 'millrace'
import { runOnce } from 'millrace/testing'
import { expect, onTestFinished, test, vi } from 'vitest'

test('a function reads what has been recorded so far: params, tags, artifacts, triggers and how nodes stand', async () => {
  const reading = pipeline(
    'reading',
    {
      metadata_store: metadataStore({ path: './metadata.db' }),
      inbox: filesystemStore({ path: './inbox', watch: true }),
      models: modelRegistry({ path: './models' }),
    },
    (action) => ({
      first: action({ after: ['inbox'] }, async ({ run, stores }) => {
        await stores.metadata_store.logParam('rate', 3)
        await stores.metadata_store.tag('kind', 'test')
        await stores.models.save('m.txt', await (run.inputs.inbox[0]?.text() ?? ''), { tags: { by: 'first' } })
      }),
      second: action({ after: ['first'] }, async ({ run, stores: { metadata_store: metadata } }) => {
        await metadata.logParam('rate', 4)
        const lies = await metadata.artifacts({ run: run.number })
        const { state, trigger, nodes } = await metadata.run()
        return JSON.stringify({
          rates: (await metadata.params({ key: 'rate', run: run.number })).map(({ value }) => value),
          before: (await metadata.params({ node: 'first' })).length,
          tags: (await metadata.tags({ key: 'kind' })).map(({ value }) => value),
          lies: lies.map(({ store, path, state }) => `${store} ${path} ${state}`),
          saved: (await metadata.artifacts({ store: 'models', state: 'produced', path: '*.txt' })).length,
          said: (await metadata.artifactTags({ path: 'm.txt' })).map(({ key, value }) => `${key} ${value}`),
          triggers: (await metadata.triggers({ kind: 'files' })).map(({ message }) => message),
          run: { state, trigger, nodes: nodes.map(({ part, state }) => `${part} ${state}`) },
        })
      }),
    }),
  )
  const run = await runOnce(reading, { files: { inbox: { 'a.txt': 'one' } } })
  expect(JSON.parse(run.node('second').message ?? '')).toEqual({
    rates: [3, 4],
    before: 1,
    tags: ['test'],
    lies: ['reading/inbox a.txt used', 'reading/models m.txt produced'],
    saved: 1,
    said: ['by first'],
    triggers: ['reading/inbox: a.txt'],
    run: {
      state: 'running',
      trigger: 'files',
      nodes: [
        'reading/metadata_store succeeded',
        'reading/inbox succeeded',
        'reading/models succeeded',
        'reading/first succeeded',
        'reading/second running',
      ],
    },
  })
})

test('a metadata client whose pipeline is not given reads the run that there is', async () => {
  const root = pipeline('root', { metadata: metadataStore({ path: './metadata.db' }) }, () => ({}))
  const alone = pipeline('alone', { root_metadata: metadataClient<typeof root>('root/metadata') }, (action) => ({
    asks: action({}, async ({ run, stores: { root_metadata: metadata } }) => {
      await metadata.logParam('rate', 3)
      const read = async (filter: object) => (await metadata.params(filter)).map(({ value }) => value)
      const mine = [{ run: run.number }, { run: 'root/0' }, { pipeline: 'root' }].map(read)
      const others = [{ run: 'root/1' }, { run: 'other/0' }, { pipeline: 'other' }].map(read)
      const { number } = await metadata.run()
      return JSON.stringify([number, await Promise.all(mine), (await Promise.all(others)).flat()])
    }),
  }))
  expect((await runOnce(alone)).node('asks')).toEqual({
    state: 'succeeded',
    attempts: 1,
    message: '[0,[[3],[3],[3]],[]]',
  })
})

test('nothing is left of a run: no folder, no open file, and no answer for what still asks', async () => {
  const [over, asked] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const late = pipeline('late', { notes: metadataStore({ path: './metadata.db' }) }, (action) => ({
    reads: action({}, async ({ stores }) => {
      await stores.notes.params()
      void stores.notes.params()
    }),
    stays: action({ timeout: 30, after: ['reads'] }, async ({ stores }) => {
      await over.promise
      void stores.notes.logParam('rate', 3)
      void stores.notes.params()
      asked.resolve()
    }),
  }))
  const folder = mkdtempSync(join(tmpdir(), 'millrace-test-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  vi.stubEnv('TMPDIR', folder)
  expect((await runOnce(late)).node('stays').state).toBe('errored')
  vi.unstubAllEnvs()
  expect(readdirSync(folder)).toEqual([])
  expect(existsSync('/proc/self/fd') ? openFiles() : []).toEqual([])
  over.resolve()
  await asked.promise
  await setImmediate() // What broke unheard by now fails the test.
})

const openFiles = (): string[] =>
  readdirSync('/proc/self/fd').flatMap((descriptor) => {
    try {
      const file = readlinkSync(`/proc/self/fd/${descriptor}`)
      return file.includes('millrace-once-') ? [file] : []
    } catch {
      return []
    }
  })
