import { constants } from 'node:fs'
import { lstat, open, readdir, readlink } from 'node:fs/promises'
import { dirname, join, normalize } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { type Pack, pack } from 'tar-stream'
import { Fault } from '#bus/fault'

/** Everything is of one time, so that the same files make the same archive. */
const mtime = new Date(0)

type Extra = { readonly name: string; readonly text: string }

/**
 * A folder as a tar archive to build from: regular files, folders, and links that stay inside, by name. `.git` at its top is left
 * out, since it differs between clones of one commit, and so is what `except` names there. `.dockerignore` is not honoured: all else goes to the engine. The archive
 * fails with a sentence that names the path where there is anything else, such as a link that leads out.
 */
export const buildContext = (folder: string, extra?: Extra, except: readonly string[] = []): Pack => {
  const archive = pack()
  const fill = async () => {
    await addFolder(archive, folder, '', [...(extra ? [extra.name] : []), ...except])
    if (extra) archive.entry({ name: extra.name, mtime, mode: 0o644 }, extra.text)
    archive.finalize()
  }
  fill().catch((reason: Error) => archive.destroy(reason))
  return archive
}

const addFolder = async (archive: Pack, root: string, below: string, without: readonly string[]): Promise<void> => {
  for (const name of (await readdir(join(root, below))).toSorted()) {
    const path = below ? `${below}/${name}` : name
    if (path === '.git' || without.includes(path)) continue
    const found = await lstat(join(root, path))
    if (found.isDirectory()) {
      archive.entry({ name: `${path}/`, type: 'directory', mtime, mode: 0o755 })
      await addFolder(archive, root, path, [])
    } else if (found.isSymbolicLink()) {
      const linkname = await readlink(join(root, path))
      if (!staysInside(path, linkname)) throw unfit(path, `is a link that leads out of it, to ${linkname}`)
      archive.entry({ name: path, type: 'symlink', linkname, mtime })
    } else if (found.isFile()) await addFile(archive, root, path)
    else throw unfit(path, 'is neither a file nor a folder nor a link')
  }
}

const addFile = async (archive: Pack, root: string, path: string): Promise<void> => {
  const file = await open(join(root, path), constants.O_RDONLY | constants.O_NOFOLLOW)
  try {
    const { size, mode } = await file.stat()
    const entry = archive.entry({ name: path, size, mtime, mode: mode & 0o111 ? 0o755 : 0o644 })
    if (size === 0) entry.end(undefined)
    else await pipeline(file.createReadStream({ end: size - 1, autoClose: false }), entry)
  } finally {
    await file.close()
  }
}

const staysInside = (path: string, target: string): boolean => {
  const leads = normalize(join(dirname(path), target))
  return !target.startsWith('/') && leads !== '..' && !leads.startsWith('../')
}

const unfit = (path: string, why: string) =>
  new Fault(
    'build.context',
    `An image can't be built from this folder: ${path} ${why}. Remove it from the repository, or put a file in its place`,
  )
