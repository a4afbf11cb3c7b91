import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { watchStore } from '#agents/pipelines/watch'
import { openBus } from '#bus/jetstream'
import { eventsOf } from '../events.ts'
import { startNats } from '../nats.ts'
import { millrace, printedBy, slow, stop, temporaryFolders } from '../processes.ts'
import { eventually, storeOnDisk } from './on-disk.ts'
import { shelfOnDisk } from './shelf.ts'

const newFolder = temporaryFolders()

/** A store that is watched, and what its operator is told; another folder is given 120 times as long as a file. */
const watched = async (settle: number, before?: Parameters<typeof storeOnDisk>[1]) => {
  const disk = await storeOnDisk('root/in', before)
  const lines: string[] = []
  const say = (line: string) => void lines.push(line)
  await watchStore(disk.store, { settle, ignoreExisting: false, say, signal: disk.signal })
  const facts = async () =>
    (await disk.facts()).flatMap(({ type, path }) => (path ? [`${type.slice('artifact.'.length)} ${path}`] : []))
  /** What is said of the folder itself. */
  const seen = async () => (await disk.facts()).flatMap(({ type, path }) => (path ? [] : [type]))
  const put = (...paths: readonly string[]) => {
    mkdirSync(join(disk.folder, 'deep'), { recursive: true })
    for (const path of paths) writeFileSync(join(disk.folder, path), path)
  }
  const told = (...expected: readonly string[]) =>
    eventually(async () => {
      const found = await facts()
      return expected.every((fact) => found.includes(fact))
    })
  const says = (pattern: RegExp, times = 1) =>
    eventually(async () => lines.filter((line) => pattern.test(line)).length >= times)
  return { ...disk, lines, facts, seen, put, told, says }
}

/** Long enough that a folder is back in time on a machine that is busy. */
const patient = 100

test.concurrent('a folder that is removed and made anew is watched again: what was known is not taken twice, what is missing is gone', async () => {
  const { put, told, says, facts, seen, folder, store } = await watched(patient)
  put('same', 'deep/same', 'other', 'missing')
  await told('detected same', 'detected deep/same', 'detected other', 'detected missing')
  rmSync(folder, { recursive: true })
  await says(/its folder .* is not there/)
  put('same', 'deep/same', 'new')
  writeFileSync(join(folder, 'other'), 'other bytes')
  await says(/is there again/)
  await told('gone missing', 'detected new')
  put('deep/later')
  await told('detected deep/later')
  expect(await seen()).toEqual(['artifact.source-failing', 'artifact.source-back'])
  expect((await facts()).toSorted()).toEqual([
    ...['detected deep/later', 'detected deep/same', 'detected missing', 'detected new'],
    ...['detected other', 'detected other', 'detected same', 'gone missing'],
  ])
  expect(store.list().map(({ path }) => path)).toEqual(['deep/later', 'deep/same', 'new', 'other', 'same'])
}, 60_000)

test.concurrent('a disk that is not mounted yet when its host starts brings back what is on it; what stays away is gone', async () => {
  const first = await watched(patient)
  first.put('a', 'deep/b', 'missing')
  await first.told('detected a', 'detected deep/b', 'detected missing')
  await eventually(async () => first.store.index.place() !== undefined)
  await first.end()
  renameSync(first.folder, `${first.folder}-away`)
  rmSync(join(`${first.folder}-away`, 'missing'))
  const { base, hub } = first
  const second = await watched(50, { base, hub })
  await second.says(/is another one than before.*recorded as gone unless it is back in 6 s/)
  renameSync(second.folder, `${second.folder}-empty`)
  renameSync(`${second.folder}-away`, second.folder)
  second.put('c')
  await second.told('detected c', 'gone missing')
  const arrived = ['a', 'c', 'deep/b', 'missing'].map((path) => `detected ${path}`)
  expect((await second.facts()).toSorted()).toEqual([...arrived, 'gone missing'])
  await second.end()

  // As it was when it had been looked through last: nothing is missing now, and nothing waits.
  const third = await watched(50, { base, hub })
  rmSync(join(third.folder, 'c'))
  await third.told('gone c')
  expect(third.lines).toEqual([])
}, 60_000)

test.concurrent('a folder that is moved away and back brings back what was in it: nothing is gone, nothing is taken twice', async () => {
  const { put, told, says, facts, folder } = await watched(patient)
  put('a', 'deep/b')
  await told('detected a', 'detected deep/b')
  for (const time of [1, 2]) {
    renameSync(folder, `${folder}-away`)
    await says(/is not there/, time)
    renameSync(`${folder}-away`, folder)
    await says(/is there again/, time)
    // One after the other: some time passes, so that the next move is seen by the watcher before the folder is missed.
    for (const path of [`after${time}`, `deep/after${time}`]) {
      put(path)
      await told(`detected ${path}`)
    }
  }
  // Between two looks nobody is told anything, and nothing is missed either.
  renameSync(folder, `${folder}-away`)
  renameSync(`${folder}-away`, folder)
  put('deep/last')
  await told('detected deep/last')
  const expected = ['a', 'after1', 'after2', 'deep/after1', 'deep/after2', 'deep/b', 'deep/last']
  expect((await facts()).toSorted()).toEqual(expected.map((path) => `detected ${path}`))
}, 60_000)

test.concurrent('what comes back after its folder, little by little, is not taken twice', async () => {
  const { put, told, says, facts, folder } = await watched(patient)
  put('a', 'deep/b')
  await told('detected a', 'detected deep/b')
  rmSync(folder, { recursive: true })
  await says(/is not there/)
  mkdirSync(folder)
  await says(/is there again/)
  for (const path of ['new', 'deep/b', 'newer', 'a', 'newest']) {
    put(path)
    if (path.startsWith('new')) await told(`detected ${path}`)
  }
  const expected = ['a', 'deep/b', 'new', 'newer', 'newest']
  expect((await facts()).toSorted()).toEqual(expected.map((path) => `detected ${path}`))
}, 60_000)

test.concurrent('a folder in whose place another one is put is looked through, and what is not in it is gone', async () => {
  const { put, told, says, facts, folder, base } = await watched(60)
  put('same', 'missing')
  await told('detected same', 'detected missing')
  mkdirSync(join(base, 'prepared'))
  for (const path of ['same', 'new']) writeFileSync(join(base, 'prepared', path), path)
  renameSync(folder, join(base, 'former'))
  renameSync(join(base, 'prepared'), folder)
  await says(/is another one than before|is there again/)
  await told('detected new', 'gone missing')
  put('later')
  await told('detected later')
  expect((await facts()).filter((fact) => fact.endsWith(' same'))).toEqual(['detected same'])
}, 60_000)

test.concurrent('what is away with its folder is not gone, however long that is; what another folder lacks is', async () => {
  const [{ put, told, says, facts, folder, lines, store }, exchanged] = [await watched(20), await watched(20)]
  for (const one of [{ put, told }, exchanged]) {
    one.put('a', 'deep/b')
    await one.told('detected a', 'detected deep/b')
  }
  renameSync(folder, `${folder}-away`)
  await says(/is not there. Nothing in it is gone/)
  // As long as it takes where another folder lies in its place, however busy the machine is.
  renameSync(exchanged.folder, `${exchanged.folder}-away`)
  mkdirSync(exchanged.folder)
  await exchanged.told('gone a', 'gone deep/b')
  expect(store.list()).toHaveLength(2)
  mkdirSync(folder)
  await says(/is there again/)
  await told('gone a', 'gone deep/b')
  expect(lines).toHaveLength(2)
  expect(await facts()).toHaveLength(4)
}, 60_000)

// Mounting needs root: in the long form alone.
if (slow && process.getuid?.() === 0)
  test('a disk that is taken out and put in again, where nothing tells of it, brings back what was on it', async () => {
    const { put, told, says, facts, folder, base } = await watched(patient)
    const disk = join(base, 'disk')
    mkdirSync(disk)
    execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', disk])
    const mount = () => execFileSync('mount', ['--bind', disk, folder])
    const unmount = () => execFileSync('umount', ['--lazy', folder])
    onTestFinished(() => void execFileSync('umount', ['--lazy', disk]))
    mount()
    try {
      await says(/is another one than before/)
      put('a', 'deep/b')
      await told('detected a', 'detected deep/b')
      unmount()
      await says(/is another one than before/, 2)
    } finally {
      mount()
    }
    try {
      await says(/is another one than before/, 3)
      put('after')
      await told('detected after')
      expect(await facts()).toEqual(expect.not.arrayContaining([expect.stringMatching(/^gone/)]))
      expect(await facts()).toHaveLength(3)
    } finally {
      unmount()
    }
  }, 60_000)

test.concurrent('the copies of a resource that are removed are fetched again, at once and at the next start, and are no news', async () => {
  const first = await shelfOnDisk()
  const all = ['a', 'deep%b', 'c']
  const put = (...names: readonly string[]) => {
    for (const name of names) writeFileSync(join(first.shelf, name), name)
  }
  const copied = (...paths: readonly string[]) =>
    eventually(async () => paths.every((path) => existsSync(join(first.folder, path))))
  put(...all)
  first.poll()
  await eventually(async () => (await first.told()).length === all.length)
  rmSync(first.folder, { recursive: true })
  await copied('a', 'deep/b', 'c')
  rmSync(first.folder, { recursive: true })
  put('d')
  await copied('a', 'deep/b', 'c', 'd')
  await first.end()
  rmSync(join(first.folder, 'deep'), { recursive: true })
  const second = await shelfOnDisk({ before: first })
  second.poll()
  await copied('deep/b')
  put('e')
  await copied('e')
  await eventually(async () => (await second.told()).length >= 5)
  expect((await second.told()).toSorted()).toEqual(['a', 'c', 'd', 'deep/b', 'e'].map((path) => `detected ${path}`))
}, 60_000)

test.concurrent('a host whose folder is removed goes on, says so, and starts runs with what is put into the next one', async (context) => {
  const [nats, folder] = [await startNats(), newFolder()]
  const inbox = join(folder, 'inbox')
  const put = (...paths: readonly string[]) => {
    mkdirSync(inbox, { recursive: true })
    for (const path of paths) writeFileSync(join(inbox, path), `${path} as it was`)
  }
  const host = printedBy(
    context,
    'watcher',
    millrace(
      [
        ...['agent', 'test/configs/watching.ts', '--nats', nats.url, '--name', 'watcher'],
        ...['--base', folder, '--state', join(folder, 'state')],
      ],
      { MILLRACE_TEST_FOLDER: folder },
    ),
  )
  context.onTestFinished(async () => {
    await stop(host)
    await nats.stop()
  })
  await host.says(/watcher is ready/)
  const bus = await openBus({ url: nats.url, principal: 'judge' })
  const offered = (): string[] => {
    try {
      return readFileSync(join(folder, 'offered'), 'utf8').trim().split('\n')
    } catch {
      return []
    }
  }
  const facts = async () =>
    (await eventsOf(bus)).flatMap(({ type, data }) =>
      /^artifact\.(detected|gone)$/.test(type)
        ? [`${type.slice('artifact.'.length)} ${(data as { path: string }).path}`]
        : [],
    )

  put('same', 'missing')
  await eventually(async () => offered().length === 2)
  execFileSync('rm', ['-rf', inbox])
  await host.says(/watching\/inbox: its folder .*inbox is not there/)
  put('same', 'new')
  await host.says(/watching\/inbox: its folder .*inbox is there again/)
  await eventually(async () => offered().length === 3)
  await eventually(async () => (await facts()).includes('gone missing'))
  put('later')
  await eventually(async () => offered().length === 4)
  expect(offered().toSorted()).toEqual(['later', 'missing', 'new', 'same'].map((path) => `${path} ${path} as it was`))
  expect((await facts()).toSorted()).toEqual([
    ...['detected later', 'detected missing', 'detected new', 'detected same', 'gone missing'],
  ])
  const failures = (await eventsOf(bus)).filter(({ type }) => /failed|unreadable/.test(type))
  expect(failures).toEqual([])
  await bus.close()
  expect(await stop(host)).toBe(0)
}, 120_000)
