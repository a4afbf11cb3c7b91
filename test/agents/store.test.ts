import { hash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { draft } from '#agents/pipelines/folder'
import { storeOnDisk } from './on-disk.ts'

const by = (run: number) => ({ run: `root/${run}`, part: 'root/train', attempt: 1 })
const saved = (run: number) => ({ how: 'saved', by: by(run) }) as const

test('a saved file lies whole under its name, and the log says who produced it', async () => {
  const { store, facts, folder } = await storeOnDisk()
  const admitted = await store.admit(await draft(store.root, 'weights'), 'deep/model.txt', {
    ...saved(0),
    tags: { model_type: 'LLM' },
  })
  expect(readFileSync(join(folder, 'deep/model.txt'), 'utf8')).toBe('weights')
  expect(await facts()).toMatchObject([
    { type: 'artifact.saved', path: 'deep/model.txt', digest: admitted.digest, size: 7, by: by(0) },
    { type: 'artifact.tagged', tags: { model_type: 'LLM' } },
  ])
})

test('where the folder of a store has been taken away, that is said, whatever is wanted there', async () => {
  const { store } = await storeOnDisk()
  rmSync(store.root, { recursive: true })
  await expect(store.find('model.txt')).rejects.toMatchObject({ code: 'store.away', message: /Put it back, or mount/ })
})

test('a path that is taken is refused, unless it is to be replaced', async () => {
  const { store } = await storeOnDisk()
  await store.admit(await draft(store.root, 'one'), 'm', saved(0))
  await expect(store.admit(await draft(store.root, 'two'), 'm', saved(1))).rejects.toThrow(
    'm in root/in is there already, from root/train in run root/0. To replace it, save with { overwrite: true }',
  )
  await store.admit(await draft(store.root, 'two'), 'm', { ...saved(1), overwrite: true })
})

test('an upload to a path that is taken says from whom it is, and what can be done from where it was sent', async () => {
  const { store } = await storeOnDisk()
  const script = { how: 'uploaded', peer: 'root/ann' } as const
  await store.admit(await draft(store.root, 'one'), 'm', script)
  await expect(
    store.admit(await draft(store.root, 'two'), 'm', { how: 'uploaded', peer: 'leaf/client', by: by(1) }),
  ).rejects.toThrow('m in root/in is there already, from root/ann. An upload replaces nothing: give it another name')
  await store.admit(await draft(store.root, 'one'), 'm', script) // The same bytes again: its answer was lost.
  await expect(store.admit(await draft(store.root, 'two'), 'm', script)).rejects.toThrow(
    'To replace it: millrace artifacts put --overwrite, in a script { overwrite: true }, over HTTP ?overwrite=true',
  )
})

test('the same execution, run again after a kill, may write its file again; it is recorded once for the same bytes', async () => {
  const { store, facts } = await storeOnDisk()
  await store.admit(await draft(store.root, 'one'), 'm', saved(0))
  await store.admit(await draft(store.root, 'one'), 'm', saved(0))
  expect(await facts()).toHaveLength(1)
  await store.admit(await draft(store.root, 'another'), 'm', saved(0))
  expect(await facts()).toHaveLength(2)
})

test('what is said of bytes that lie there already is recorded, unless their execution had said it last', async () => {
  const { store, reopened, facts } = await storeOnDisk()
  const save = async (stage: string, delivery: number, to = store) =>
    to.admit(await draft(to.root, 'one'), 'm', { ...saved(0), delivery, tags: { stage } })
  const said = async () => (await facts()).map((fact) => ('tags' in fact ? fact.tags : fact.type))
  for (const stage of ['new', 'new', 'approved', 'new']) await save(stage, 1)
  const all = ['artifact.saved', { stage: 'new' }, { stage: 'approved' }, { stage: 'new' }]
  expect(await said()).toEqual(all)
  // Killed, it is executed again; what it says last is what is to hold, so it may say less than before.
  const next = await reopened()
  await save('new', 2, next)
  expect(await said()).toEqual(all)
  await save('approved', 2, next)
  expect(await said()).toEqual([...all, { stage: 'approved' }])
})

test('another attempt, and whoever is no execution, is heard each time; what is asked again is said once', async () => {
  const { store, reopened, facts } = await storeOnDisk()
  const by = (attempt: number) => ({ by: { run: 'p/0', part: 'p/judge', attempt } })
  const put = async (call: string, to = store) => {
    const arrival = { how: 'uploaded', peer: 'http/put', principal: 'http', tags: { stage: 'new' }, call } as const
    return to.admit(await draft(to.root, 'one'), 'm', arrival)
  }
  await put('a')
  await store.tag('m', { stage: 'approved' }, by(1))
  await put('b')
  await Promise.all(['c', 'd', 'c', 'd'].map((call) => store.tag('m', { stage: call }, { ...by(1), call })))
  await store.tag('m', { stage: 'approved' }, by(2))
  const next = await reopened()
  await put('b', next)
  await next.tag('m', { stage: 'c' }, { ...by(1), call: 'c' })
  const tags = (await facts()).flatMap((fact) => ('tags' in fact ? [fact.tags] : []))
  expect(tags).toEqual(['new', 'approved', 'new', 'c', 'd', 'approved'].map((stage) => ({ stage })))
})

test('what was said of bytes before others lay in their place is recorded when it is said anew', async () => {
  const { store, facts } = await storeOnDisk()
  const save = async (text: string, run: number, tags?: Record<string, string>) =>
    store.admit(await draft(store.root, text), 'm', { ...saved(run), delivery: 1, overwrite: true, tags })
  await save('one', 0, { stage: 'new' })
  await save('two', 1)
  await save('one', 0)
  await save('one', 0, { stage: 'new' })
  const arrived = 'artifact.saved'
  const tagged = 'artifact.tagged'
  expect((await facts()).map(({ type }) => type)).toEqual([arrived, tagged, arrived, arrived, tagged])
})

test('bytes that are saved again with a card are tagged with it', async () => {
  const { store, facts } = await storeOnDisk()
  const card = { path: 'm.card.md', text: 'a card' }
  await store.admit(await draft(store.root, 'one'), 'm', saved(0))
  for (let n = 0; n < 2; n++) await store.admit(await draft(store.root, 'one'), 'm', { ...saved(0), card })
  expect(await facts()).toMatchObject([
    { type: 'artifact.saved', path: 'm' },
    { type: 'artifact.tagged', path: 'm', tags: { card: 'm.card.md' } },
    { type: 'artifact.saved', path: 'm.card.md' },
    { type: 'artifact.tagged', path: 'm.card.md', tags: { 'card-of': 'm' } },
  ])
})

test('one execution replaces nothing of its own unless it says so; run again after a kill it may', async () => {
  const { store } = await storeOnDisk()
  const first = { ...saved(0), delivery: 1 }
  await store.admit(await draft(store.root, 'one'), 'm', first)
  await store.admit(await draft(store.root, 'one'), 'm', first)
  await expect(store.admit(await draft(store.root, 'two'), 'm', first)).rejects.toThrow(/save with { overwrite: true }/)
  await store.admit(await draft(store.root, 'two'), 'm', { ...first, overwrite: true })
  await store.admit(await draft(store.root, 'three'), 'm', { ...first, delivery: 2 })
  await expect(store.admit(await draft(store.root, 'four'), 'm', { ...first, delivery: 2 })).rejects.toThrow(/is there/)
})

test('a file that was put in place just before a kill is recorded when its execution runs again, and is nobody else’s', async () => {
  const { store, dying, facts, folder } = await storeOnDisk()
  const dead = await dying()
  await expect(dead.admit(await draft(dead.root, 'one'), 'm', saved(0))).rejects.toThrow('killed')
  expect(readFileSync(join(folder, 'm'), 'utf8')).toBe('one')
  await expect(store.admit(await draft(store.root, 'two'), 'm', saved(1))).rejects.toThrow(/is there already/)
  await store.admit(await draft(store.root, 'one'), 'm', saved(0))
  expect(await facts()).toMatchObject([{ type: 'artifact.saved', path: 'm', by: by(0) }])
})

test('a file that was put in place just before a kill is recorded at the next start, though nobody asks for it again', async () => {
  const { dying, reopened, facts, outbox } = await storeOnDisk()
  const dead = await dying()
  const sent = {
    how: 'uploaded',
    peer: 'leaf/client',
    by: by(3),
    tags: { of: 'haiku' },
    principal: 'host-of-leaf',
  } as const
  await expect(dead.admit(await draft(dead.root, 'one'), 'm', sent)).rejects.toThrow('killed')
  const next = await reopened()
  expect(await facts()).toMatchObject([
    { type: 'artifact.uploaded', path: 'm', from: 'leaf/client', by: by(3) },
    { type: 'artifact.tagged', tags: { of: 'haiku' } },
  ])
  await next.admit(await draft(next.root, 'one'), 'm', sent) // Asked again after all, it is done already.
  await outbox.flushed()
  expect(await facts()).toHaveLength(2)
})

test('a file that could not be put in place hides nothing that somebody else puts there', async () => {
  const { store, facts, folder } = await storeOnDisk()
  writeFileSync(join(folder, 'deep'), 'a file where a folder is needed')
  await expect(store.admit(await draft(store.root, 'one'), 'deep/m', saved(0))).rejects.toThrow()
  mkdirSync(join(folder, 'm')) // No file can take the name of a folder.
  await expect(store.admit(await draft(store.root, 'one'), 'm', { ...saved(0), overwrite: true })).rejects.toThrow()
  store.index.seen('m', hash('sha256', 'one'), 3, '1')
  expect(await facts()).toMatchObject([{ type: 'artifact.detected', path: 'm' }])
})

test('until new bytes are recorded, what is known of a path stays, and what lies there is found', async () => {
  const { store, dying, folder } = await storeOnDisk()
  const { digest } = await store.admit(await draft(store.root, 'one'), 'm', saved(0))
  const dead = await dying()
  await expect(dead.admit(await draft(dead.root, 'other'), 'm', saved(0))).rejects.toThrow('killed')
  expect(store.list()).toMatchObject([{ path: 'm', digest }])
  expect(await store.find('m')).toMatchObject({ size: 5, file: join(folder, 'm') })
})

test('of two executions that save one path at once, one is refused and the other’s bytes stay', async () => {
  const { store, facts, folder } = await storeOnDisk()
  const drafts = [await draft(store.root, 'one'), await draft(store.root, 'two')]
  const race = await Promise.allSettled(drafts.map((drafted, run) => store.admit(drafted, 'm', saved(run))))
  expect(race).toMatchObject([{ status: 'fulfilled' }, { status: 'rejected', reason: { code: 'store.taken' } }])
  expect(readFileSync(join(folder, 'm'), 'utf8')).toBe('one')
  expect(await facts()).toHaveLength(1)
})

test('a save that is refused and bytes that break off leave nothing behind', async () => {
  const { store, folder } = await storeOnDisk()
  await store.admit(await draft(store.root, 'one'), 'm', saved(0))
  await expect(store.admit(await draft(store.root, 'two'), 'm', saved(1))).rejects.toThrow()
  await expect(store.admit(await draft(store.root, 'two'), '../m', saved(1))).rejects.toThrow()
  const broken = async function* () {
    yield Buffer.from('half')
    throw new Error('the line broke')
  }
  await expect(draft(store.root, broken())).rejects.toThrow('the line broke')
  await expect(draft(store.root, { file: join(folder, 'nowhere') })).rejects.toThrow()
  expect(readdirSync(join(folder, '.millrace-tmp'))).toEqual([])
})

test('a file that was there before the log began is a conflict that names the fix', async () => {
  const { store, folder } = await storeOnDisk()
  writeFileSync(join(folder, 'model0.txt'), 'from another log')
  await expect(store.admit(await draft(store.root, 'x'), 'model0.txt', saved(0))).rejects.toThrow(
    /was there before this log began .*Move it away, or start with --ephemeral/,
  )
  expect(readFileSync(join(folder, 'model0.txt'), 'utf8')).toBe('from another log')
})

test.each([
  '../out',
  '/etc/passwd',
  'a/../../out',
  '',
  'a\0b',
  '.millrace-tmp/x',
  './q',
  'a//b',
  'a/',
  '.',
  'a/./b',
  'link/x',
  'file-link',
])('the path %j, which leaves the store, is refused', async (path) => {
  const { store, base, folder } = await storeOnDisk()
  mkdirSync(join(base, 'outside'))
  writeFileSync(join(base, 'outside/secret'), 'secret')
  symlinkSync(join(base, 'outside'), join(folder, 'link'))
  symlinkSync(join(base, 'outside/secret'), join(folder, 'file-link'))
  await expect(store.admit(await draft(store.root, 'x'), path, { ...saved(0), overwrite: true })).rejects.toThrow(
    /not a path inside the store/,
  )
  expect(readdirSync(join(base, 'outside'))).toEqual(['secret'])
})

test('what was being written when a process died is cleared away at the next start', async () => {
  const first = await storeOnDisk()
  await draft(first.store.root, 'half')
  await first.end()
  const second = await storeOnDisk('root/in', first)
  expect(readdirSync(second.folder)).toEqual([])
})

test('asking for what is not there says so', async () => {
  const { store } = await storeOnDisk()
  await expect(store.find('nothing')).rejects.toThrow(/root\/in holds no nothing/)
})

test('what can never be recorded is refused before its bytes are in place', async () => {
  const { store, folder } = await storeOnDisk()
  const sent = { how: 'uploaded', peer: 'leaf/client', principal: 'jürgen' } as const
  await expect(store.admit(await draft(store.root, 'one'), 'm', sent)).rejects.toMatchObject({
    code: 'contract.broken',
  })
  expect(readdirSync(folder)).not.toContain('m')
})

test('a promise that can no longer be recorded is said, and keeps nobody from starting', async () => {
  const { store, dying, reopened, local, facts } = await storeOnDisk()
  const dead = await dying()
  await expect(dead.admit(await draft(store.root, 'one'), 'm', saved(0))).rejects.toThrow('killed')
  local.exec(`update promises set promise = json_set(promise, '$.arrival.principal', 'jürgen')`)
  await reopened()
  expect(await facts()).toMatchObject([{ type: 'artifact.unreadable', path: 'm' }])
})
