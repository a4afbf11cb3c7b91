import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { checkTree } from '#agents/sources/source-tree'
import { limits, newFolder, refusal, usual } from './fetching.ts'
import { largeBlob } from './large-blob.ts'
import { repository } from './repository.ts'

describe('a fetch refuses', () => {
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
    await expect(checkTree(folder, () => undefined)).rejects.toThrow(
      `${name} is neither a file, nor a folder, nor a link. Take it out`,
    )
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
    commitTree(`100644 blob ${largeBlob(folder, 4)}\tdata.bin`)
    expect(await refusal(link)).toMatch('data.bin is 64 MiB, and all files together may be 9.5 MiB.')
  })

  test('what grows too large while it is cloned', async () => {
    const { link, folder, git, commit } = repository(newFolder(), usual)
    git(['config', 'core.compression', '0'])
    git(['config', 'pack.window', '0'])
    for (let at = 0; at < 6; at++) writeFileSync(join(folder, `${at}`), randomBytes(10 * 1024 ** 2))
    commit()
    const said: string[] = []
    const asked = { limits: { ...limits, bytes: 12_000_000 }, say: (line: string) => void said.push(line) }
    expect(await refusal(link, asked)).toMatch(
      /^The repository is too large: at least .* MiB, and 11.4 MiB are allowed/,
    )
    expect(said.join('\n')).not.toMatch(/Receiving objects: 100%/)
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
    expect(await refusal(repository(folder).link)).toMatch(/begins with no commit. Push one/)
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
