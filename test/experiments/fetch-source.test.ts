import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
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
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { fetchSource, type SourceAsked } from '#agents/experiments/fetch-source'
import { checkTree } from '#agents/experiments/source-tree'
import { processesWith, run, temporaryFolders } from '../processes.ts'
import { gitOverSsh } from './git-server.ts'
import { largeBlob } from './large-blob.ts'
import { repository } from './repository.ts'

const newFolder = temporaryFolders()
afterEach(() => void vi.unstubAllEnvs())

const limits = { bytes: 10_000_000, files: 100, milliseconds: 30_000 }
const usual = { 'config.yaml': 'device: { type: Rover }\n', 'src/main.py': 'print(1)\n' }

/** Fetches into an empty folder's `source`; what lies in that folder then, too. */
const fetching = (link: string, change: Partial<SourceAsked> = {}) => {
  const place = newFolder()
  const into = join(place, 'source')
  const asked = { link, into, limits, allow: { protocols: ['https', 'ssh', 'file'] as const } }
  const fetched = fetchSource({ ...asked, signal: new AbortController().signal, say: () => undefined, ...change })
  fetched.catch(() => undefined)
  return { place, into, fetched, left: () => readdirSync(place) }
}

/** What is said where a source is refused; nothing of it is left then. */
const refusal = async (link: string, change: Partial<SourceAsked> = {}): Promise<string> => {
  const { fetched, left } = fetching(link, change)
  const said = await fetched.then(
    () => 'fetched',
    (refused: Error) => refused.message,
  )
  expect(left()).toEqual([])
  return said
}

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

describe('refuses', () => {
  test.each([
    ['../../secret', 'src/out'],
    ['/etc/passwd', 'out'],
    ['..', 'src/deep/../../out'],
    ['../source/config.yaml', 'out'],
  ])('a link to %s', async (target, at) => {
    const { link, folder, commit } = repository(newFolder(), { ...usual, 'src/deep/x': '' })
    symlinkSync(target, join(folder, at))
    commit()
    expect(await refusal(link)).toMatch(/out is a link to .*, which is not in the repository/)
  })

  test('a link that leads out by way of another', async () => {
    const { link, folder, commit } = repository(newFolder(), { ...usual, 'a/b/c/x': '' })
    symlinkSync('a/b/c', join(folder, 'deep')) // deep/.. is a/b
    symlinkSync('deep/../../x', join(folder, 'inside'))
    symlinkSync('deep/../../../../x', join(folder, 'outside'))
    commit()
    expect(await refusal(link)).toMatch('outside is a link to deep/../../../../x, which is not in the repository')
  })

  test('links that lead to each other for ever', async () => {
    const { link, folder, commit } = repository(newFolder(), usual)
    symlinkSync('b', join(folder, 'a'))
    symlinkSync('a', join(folder, 'b'))
    commit()
    expect(await refusal(link)).toMatch(/is a link to [ab]/)
  })

  test('a submodule, and says what to do instead', async () => {
    const { link, git, write } = repository(newFolder(), usual)
    write({ '.gitmodules': '[submodule "x"]\n\tpath = lib/x\n\turl = ext::sh -c id\n' })
    git(['add', '.gitmodules'])
    git(['update-index', '--add', '--cacheinfo', `160000,${git(['rev-parse', 'HEAD'])},lib/x`])
    git(['commit', '--quiet', '--message', 'x'])
    expect(await refusal(link)).toMatch(
      'lib/x is a submodule, which is not fetched. Put the files that are needed into',
    )
  })

  test.each(['.git', '.GIT'])('a file or folder %s in it', async (name) => {
    const { link, git, commitTree } = repository(newFolder(), usual)
    const blob = git(['hash-object', '-w', '--stdin'], '[core]\n')
    const inner = git(['mktree'], `100644 blob ${blob}\tconfig\n`)
    const outer = git(['mktree'], `040000 tree ${inner}\t${name}\n`)
    commitTree(`040000 tree ${outer}\tlib`)
    expect(await refusal(link)).toMatch(`lib/${name}/config lies in a folder or file named .git`)
  })

  test.each(['a\nb', 'a\u001bb'])('a name with control characters: %j', async (name) => {
    const { link } = repository(newFolder(), { [name]: '' })
    expect(await refusal(link)).toMatch(/is no name that can be kept/)
  })

  test.each(['pipe', 'src/pipe'])('what is neither a file, a folder nor a link: %s', async (name) => {
    const folder = newFolder()
    mkdirSync(join(folder, 'src'))
    execFileSync('mkfifo', [join(folder, name)])
    await expect(checkTree(folder)).rejects.toThrow(`${name} is neither a file, nor a folder, nor a link. Take it out`)
  })

  test('a path that leads out', async () => {
    const { link, git, commitTree } = repository(newFolder(), usual)
    const blob = git(['hash-object', '-w', '--stdin'], 'x')
    commitTree(`040000 tree ${git(['mktree'], `100644 blob ${blob}\tx\n`)}\t..`)
    expect(await refusal(link)).toMatch(/can't be written. Git says:\n.*invalid path/)
  })

  test('a file of 2 GiB, before it is sent', async () => {
    const { link, folder, git, commitTree } = repository(newFolder(), usual)
    git(['config', 'uploadpack.allowFilter', 'true'])
    commitTree(`100644 blob ${largeBlob(folder, 128, 'unsummed')}\tdata.bin`)
    const begun = performance.now()
    expect(await refusal(link)).toMatch('data.bin is larger than 9.5 MiB. Keep large data elsewhere')
    expect(performance.now() - begun).toBeLessThan(10_000)
  })

  test('a file that is large once it is unpacked, before it is', async () => {
    const { link, folder, commitTree } = repository(newFolder(), usual)
    commitTree(`100644 blob ${largeBlob(folder, 8)}\tdata.bin`)
    expect(await refusal(link)).toMatch('data.bin is 128 MiB, and all files together may be 9.5 MiB.')
  })

  test('what grows too large while it is cloned', async () => {
    const { link, folder, git, commit } = repository(newFolder(), usual)
    git(['config', 'core.compression', '0'])
    for (let at = 0; at < 30; at++) writeFileSync(join(folder, `${at}`), randomBytes(1024 ** 2))
    commit()
    expect(await refusal(link, { limits: { ...limits, bytes: 2_000_000 } })).toMatch(
      /^The repository is too large: at least .* MiB, and 1.9 MiB are allowed/,
    )
  })

  test('too many files, and too many bytes in all', async () => {
    const files = Object.fromEntries(Array.from({ length: 101 }, (_, at) => [`${at}`, 'x'.repeat(1000)]))
    const { link } = repository(newFolder(), files)
    expect(await refusal(link)).toBe('The repository holds more than 100 files')
    const fewer = { ...limits, bytes: 80_000 }
    expect(await refusal(link, { limits: fewer })).toMatch(/too large: at least 79.1 KiB, and 78.1 KiB are allowed/)
  })

  test('a folder that is held too often, long before it has been counted', async () => {
    const { link, git, commitTree } = repository(newFolder(), usual)
    let tree = git(['mktree'], `100644 blob ${git(['hash-object', '-w', '--stdin'], 'x')}\tx\n`)
    const ten = (of: string) => Array.from({ length: 10 }, (_, at) => `040000 tree ${of}\t${at}`)
    for (let depth = 0; depth < 9; depth++) tree = git(['mktree'], `${ten(tree).join('\n')}\n`)
    commitTree(...ten(tree))
    expect(await refusal(link)).toBe('The repository holds more than 100 files')
  })

  test('a branch that is not there', async () => {
    const { link } = repository(newFolder(), usual)
    expect(await refusal(link, { ref: 'lidra' })).toBe(
      `${link} has no branch and no tag lidra. Push it, or name another one`,
    )
    expect(await refusal(link, { ref: '--upload-pack=id' })).toMatch(/expected the name of a branch or a tag/)
  })

  test('what is not there, with the words of git first', async () => {
    const folder = newFolder()
    expect(await refusal(`file://${folder}/none`)).toMatch(
      /^fatal: .*none[\S\s]*So git said when it was to clone file:/,
    )
    expect(await refusal(repository(folder).link)).toMatch(/holds no commit yet. Push one/)
  })

  test.each([
    ['--upload-pack=id', /is no Git link/],
    ['ext::sh -c id', /spaces/],
    ['ext::id', /is no Git link/],
    ['/srv/git/rover', /is no Git link/],
    ['http://127.0.0.1/rover', /not spoken here/],
    ['file:///srv/git/rover', /file:\/\/ is not spoken here/],
    ['https://127.0.0.1/rover', /only ssh may be used here/],
  ])('%s', async (link, why) => {
    expect(await refusal(link, { allow: { protocols: ['ssh'] } })).toMatch(why)
  })
})

/** A server that takes every connection and never says a word. */
const silentServer = async (): Promise<string> => {
  const server = createServer((socket) => void onTestFinished(() => void socket.destroy())).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await new Promise((resolve) => server.once('listening', resolve))
  return `https://127.0.0.1:${(server.address() as { readonly port: number }).port}/ann/rover`
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
    const script = `const { fetchSource } = await import('#agents/experiments/fetch-source')
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

test('over ssh, a host that is not known by the right key is refused, and so is who is not let in', async () => {
  const { linkTo, right, otherHost, noHost, otherKey } = await gitOverSsh(newFolder())
  const { folder, git } = repository(newFolder(), usual)
  const link = linkTo(folder)
  const { fetched } = fetching(link, { ssh: right })
  expect(await fetched).toMatchObject({ commit: git(['rev-parse', 'HEAD']), files: 2 })
  expect(await refusal(link, { ssh: otherHost })).toMatch(
    /HOST IDENTIFICATION HAS CHANGED|Host key verification failed/,
  )
  expect(await refusal(link, { ssh: noHost })).toMatch(/Host key verification failed/)
  expect(await refusal(link, { ssh: otherKey })).toMatch(/Permission denied/)
  const broken = { ...right, identityFile: "/tmp/x'; touch /tmp/y; '" }
  expect(await refusal(link, { ssh: broken })).toMatch(/can't be given to ssh: use an absolute path/)
})
