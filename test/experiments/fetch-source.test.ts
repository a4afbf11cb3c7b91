import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { processesWith, run } from '../processes.ts'
import { fetching, limits, newFolder, refusal, usual } from './fetching.ts'
import { repository } from './repository.ts'

afterEach(() => void vi.unstubAllEnvs())

describe('a source', () => {
  test('is the files of one commit, without git', async () => {
    const { link, folder, commit } = repository(newFolder(), usual)
    chmodSync(join(folder, 'src/main.py'), 0o755)
    const said: string[] = []
    const expected = { commit: commit(), files: 2, bytes: 33 }
    const { fetched, into, left } = fetching(link, { say: (line) => said.push(line) })
    expect(await fetched).toEqual(expected)
    expect(readdirSync(into).toSorted()).toEqual(['config.yaml', 'src'])
    expect(readFileSync(join(into, 'src/main.py'), 'utf8')).toBe('print(1)\n')
    expect(statSync(join(into, 'src/main.py')).mode & 0o111).toBe(0o111)
    expect(left()).toEqual(['source'])
    expect(said.join('\n')).toMatch(/Receiving objects/)
  })

  test.each(['lidar', 'v1'])('is of the branch or tag that was named: %s', async (ref) => {
    const { link, git, write, commit } = repository(newFolder(), usual)
    git(['checkout', '--quiet', '-b', 'lidar'])
    write({ 'lidar.py': '' })
    const wanted = commit()
    git(['tag', '--annotate', 'v1', '--message', 'x'])
    git(['checkout', '--quiet', 'main'])
    const { fetched, into } = fetching(link, { ref })
    expect(await fetched).toMatchObject({ commit: wanted })
    expect(existsSync(join(into, 'lidar.py'))).toBe(true)
  })

  test('may be kept with SHA-256', async () => {
    const { link } = repository(newFolder(), usual, 'sha256')
    expect((await fetching(link).fetched).commit).toMatch(/^[\da-f]{64}$/)
  })

  test('has the bytes that were committed, whatever its attributes say', async () => {
    const attributes = '*.py text eol=crlf ident filter=lfs\n*.txt working-tree-encoding=UTF-16\n'
    const { link, write, git } = repository(newFolder(), { 'a.py': '# $Id$\n', 'a.txt': 'text\n' })
    write({ '.gitattributes': attributes })
    git(['add', '.gitattributes'])
    git(['commit', '--quiet', '--message', 'x'])
    const { fetched, into } = fetching(link)
    await fetched
    expect(readFileSync(join(into, 'a.py'), 'utf8')).toBe('# $Id$\n')
    expect(readFileSync(join(into, 'a.txt'), 'utf8')).toBe('text\n')
  })

  test('that keeps files in a large file storage is fetched without them, and that is said', async () => {
    const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 12345\n`
    const { link } = repository(newFolder(), { ...usual, 'data/large.bin': pointer })
    const said: string[] = []
    await fetching(link, { say: (line) => said.push(line) }).fetched
    expect(said).toContain('data/large.bin is kept in Git LFS, which is not fetched: what lies here only stands for it')
  })

  test('runs nothing while it is fetched: no hook of its own, of a template, or of the user here', async () => {
    const { link, folder } = repository(newFolder(), usual)
    const trap = join(newFolder(), 'sprung')
    const hook = `#!/bin/sh\necho "$0" >> ${trap}\n`
    const home = newFolder()
    for (const hooks of [join(folder, '.git/hooks'), join(home, 'template/hooks'), join(home, 'hooks')]) {
      mkdirSync(hooks, { recursive: true })
      for (const name of ['post-checkout', 'reference-transaction', 'post-index-change'])
        writeFileSync(join(hooks, name), hook, { mode: 0o755 })
    }
    const settings = `[init]\n\ttemplateDir = ${home}/template\n[core]\n\thooksPath = ${home}/hooks\n\tfsmonitor = ${home}/hooks/post-checkout\n`
    writeFileSync(join(home, '.gitconfig'), settings)
    vi.stubEnv('HOME', home)
    vi.stubEnv('GIT_TEMPLATE_DIR', join(home, 'template'))
    vi.stubEnv('GIT_CONFIG_SYSTEM', join(home, '.gitconfig'))
    execFileSync('git', ['clone', '--quiet', link, join(newFolder(), 'naive')])
    expect(readFileSync(trap, 'utf8')).toMatch(/post-checkout/)
    rmSync(trap)
    await fetching(link).fetched
    expect(existsSync(trap)).toBe(false)
  })

  test('may hold links that stay in it', async () => {
    const { link, folder, commit } = repository(newFolder(), usual)
    mkdirSync(join(folder, 'a/b'), { recursive: true })
    symlinkSync('../../src', join(folder, 'a/b/code'))
    symlinkSync('a/b/code/main.py', join(folder, 'main.py'))
    symlinkSync('not-there-yet', join(folder, 'later'))
    commit()
    expect(await fetching(link).fetched).toMatchObject({ files: 5 })
  })

  test('is not laid over what is there', async () => {
    const { link } = repository(newFolder(), usual)
    const into = newFolder()
    await expect(fetching(link, { into }).fetched).rejects.toThrow(`${into} is there already. Move it away first`)
  })
})

/** A server that takes every connection and never says a word. */
const silentServer = async (): Promise<string> => {
  const server = createServer((socket) => void onTestFinished(() => void socket.destroy())).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await new Promise((resolve) => server.once('listening', resolve))
  return `https://127.0.0.1:${(server.address() as AddressInfo).port}/ann/rover`
}

describe('leaves nothing behind', () => {
  test('where it takes too long', async () => {
    const said = await refusal(await silentServer(), { limits: { ...limits, milliseconds: 700 } })
    expect(said).toMatch(/was not fetched within 1 s/)
  })

  test('where it is aborted, and git has ended then', async () => {
    const stop = new AbortController()
    const link = await silentServer()
    const { fetched, left, place } = fetching(link, { signal: stop.signal })
    await expect.poll(() => processesWith(link).length).toBeGreaterThan(0)
    const reason = new Error('cancelled')
    stop.abort(reason)
    await expect(fetched).rejects.toBe(reason)
    expect(left()).toEqual([])
    expect(processesWith(link)).toEqual([])
    expect(processesWith(place)).toEqual([])
  })

  test('where it was aborted before it began', async () => {
    const { fetched, left } = fetching(await silentServer(), { signal: AbortSignal.abort(new Error('cancelled')) })
    await expect(fetched).rejects.toThrow('cancelled')
    expect(left()).toEqual([])
  })

  test('where it was killed, once it is tried again', async () => {
    const silent = await silentServer()
    const { link } = repository(newFolder(), usual)
    const place = newFolder()
    const into = join(place, 'source')
    const asked = JSON.stringify({ link: silent, into, limits, allow: { protocols: ['https'] } })
    const script = `const { fetchSource } = await import('#agents/sources/fetch-source')
      await fetchSource({ ...${asked}, signal: new AbortController().signal, say: () => undefined })`
    const killed = run(process.execPath, ['--conditions=source', '--input-type=module', '--eval', script])
    await expect.poll(() => readdirSync(place)).toHaveLength(1)
    await expect.poll(() => processesWith(silent).length).toBeGreaterThan(1)
    killed.child.kill('SIGKILL')
    await killed.ended
    expect(readdirSync(place)).toHaveLength(1)
    for (const { pid } of processesWith(silent)) process.kill(pid, 'SIGKILL')
    writeFileSync(join(place, '.source.fetching-mine.txt'), 'kept')
    await fetching(link, { into }).fetched
    expect(readdirSync(place).toSorted()).toEqual(['.source.fetching-mine.txt', 'source'])
  })
})
