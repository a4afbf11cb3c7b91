import { filesystemStore, modelRegistry, pipeline } from 'millrace'
import { expect, test } from 'vitest'
import { contextOf } from '#agents/pipelines/context-of'
import { openReports } from '#agents/pipelines/reporting'
import { reportIn } from '#agents/pipelines/reports'
import { temporaryFolder } from './on-disk.ts'

/** What a program's lines ask of the host. */
const asked = async (...lines: readonly object[]) => {
  const base = temporaryFolder()
  const [models, files] = [modelRegistry({ path: `${base}/models` }), filesystemStore({ path: `${base}/files` })]
  const calls: { readonly node: string; readonly verb: string; readonly args: Readonly<Record<string, unknown>> }[] = []
  const call = async (node: string, verb: string, args: unknown) => {
    calls.push({ node, verb, args: args as Readonly<Record<string, unknown>> })
    return { path: 'm', digest: 'ab'.repeat(32), size: 7, file: '' } as never
  }
  const { signal } = new AbortController()
  const given = { pipeline: pipeline('p', { models, files }, () => ({})), call, say: () => () => undefined, signal }
  const run = { pipeline: 'p', number: 0, attempt: 1 }
  const { context } = contextOf(given, { kind: 'run', node: 'train', run, inputs: {}, mark: 'm' })
  const reports = openReports({ ...given, context, folder: base, used: async () => undefined })
  for (const line of lines) {
    const report = reportIn(JSON.stringify(line))
    if (report && 'millrace' in report) reports.take(report)
    else throw new Error(report?.mistake ?? 'no report')
  }
  const ended = await reports.end().then(
    () => undefined,
    (cause: Error) => cause,
  )
  return { calls, ended }
}

const artifact = { millrace: 'artifact', store: 'models', path: 'm' }

test('a program saves a model with its card, and gives one to what lies there already', async () => {
  const saved = await asked({ ...artifact, text: 'weights', card: { license: 'mit' } })
  expect(saved.calls).toMatchObject([
    { node: 'models', verb: 'save', args: { path: 'm', card: expect.stringMatching(/^---\nlicense: mit\n---/) } },
  ])
  const later = await asked({ ...artifact, card: { license: 'mit' } })
  expect(later.calls.map(({ verb }) => verb)).toEqual(['open', 'card'])
})

test('a wrong card is the program’s failure, named by its fields, and nothing is saved', async () => {
  const wrong = await asked({ ...artifact, text: 'weights', card: { license: 7 } })
  expect(wrong.calls).toEqual([])
  expect(wrong.ended?.message).toMatch(/license/)
  const plain = await asked({ ...artifact, store: 'files', text: 'x', card: { license: 'mit' } })
  expect(plain.calls).toEqual([])
  expect(plain.ended?.message).toMatch(/keeps no cards/)
})
