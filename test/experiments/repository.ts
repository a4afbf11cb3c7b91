import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

const env = {
  PATH: process.env.PATH,
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
  ...Object.fromEntries(
    ['AUTHOR', 'COMMITTER'].flatMap((who) => [
      [`GIT_${who}_NAME`, 'Ann'],
      [`GIT_${who}_EMAIL`, 'ann@example.org'],
      [`GIT_${who}_DATE`, '2026-01-01T00:00:00Z'],
    ]),
  ),
}

/** A repository of a user, and git in it. */
export const repository = (folder: string, files: Readonly<Record<string, string>> = {}, format = 'sha1') => {
  const git = (args: readonly string[], input?: string | Buffer): string =>
    execFileSync('git', args, { cwd: folder, env, encoding: 'utf8', stdio: 'pipe', ...(input && { input }) }).trim()
  const write = (written: Readonly<Record<string, string>>) => {
    for (const [path, text] of Object.entries(written)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true })
      writeFileSync(join(folder, path), text)
    }
  }
  /** Commits all that lies there. */
  const commit = (): string => {
    git(['add', '--all'])
    git(['commit', '--quiet', '--allow-empty', '--message', 'x'])
    return git(['rev-parse', 'HEAD'])
  }
  /** Commits a tree of entries as `git mktree` takes them, which need not be such as git would make. */
  const commitTree = (...entries: readonly string[]): void => {
    const tree = git(['mktree', '-z', '--missing'], `${entries.join('\0')}\0`)
    git(['update-ref', 'HEAD', git(['commit-tree', tree, '-m', 'x'])])
  }
  mkdirSync(folder, { recursive: true })
  git(['init', '--quiet', '--initial-branch=main', `--object-format=${format}`])
  write(files)
  if (Object.keys(files).length > 0) commit()
  return { folder, link: `file://${folder}`, git, write, commit, commitTree }
}
