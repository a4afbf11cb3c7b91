import { randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, lstat, mkdir, open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Fault, reasonOf } from '#bus/fault'
import type { CloudLink } from '#contracts/cloud-link'
import { sha256Of } from '../containers/manifest.ts'
import { checkedBytes } from './checked-bytes.ts'
import { uploadFaults } from './upload-faults.ts'
import type { FileByFile, Target } from './upload-target.ts'

type DirectoryLink = Extract<CloudLink, { kind: 'directory' }>

const folderFlags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW

/**
 * A folder below the one in which results may be laid down. No link is followed on the way there, also where somebody puts one in the
 * way meanwhile. A file is written beside its place, and is on disk before it gets its name.
 */
export const directoryTarget = (link: DirectoryLink, directories: string | undefined): Target => {
  const told = `the folder ${link.path} of the portal`

  /** Does something in a folder, which is made where it is missing; what it is given stays that folder, whatever happens to its path. */
  const inFolder = async <T>(names: readonly string[], act: (folder: string) => Promise<T>): Promise<T> => {
    if (directories === undefined)
      throw uploadFaults.refused(told, 'take results', "the portal's file names no folder for such (directories)")
    let at: { readonly handle: FileHandle; readonly path: string } | undefined
    try {
      at = await enter(directories, constants.O_RDONLY | constants.O_DIRECTORY)
      for (const name of names) {
        if (/^\.{0,2}$/.test(name) || /[/\0]/.test(name)) throw new Error(`'${name}' is no name of a folder`)
        const next = join(at.path, name)
        await mkdir(next, { mode: 0o755 }).catch(ifThere)
        const entered = await enter(next, folderFlags)
        await at.handle.close()
        at = entered
      }
      return await act(at.path)
    } finally {
      await at?.handle.close()
    }
  }

  const put: FileByFile['put'] = (path, sent, signal) => {
    const names = [...link.path.split('/'), ...path.split('/')]
    const name = names.pop() ?? ''
    return telling(`take ${path}`, () =>
      inFolder(names, async (folder) => {
        const place = join(folder, name)
        const found = await lstat(place).catch(unlessMissing)
        if (found && !found.isFile())
          throw uploadFaults.refused(told, `take ${path}`, 'something that is no file lies there')
        if (found?.size === sent.size && (await sha256Of(place)) === sent.sha256) return 'there'
        const draft = join(folder, `.${randomUUID()}.draft`)
        try {
          const written = await open(draft, 'wx', 0o644)
          try {
            for await (const piece of checkedBytes(sent)) {
              signal.throwIfAborted()
              await written.writeFile(piece)
            }
            await written.sync()
          } finally {
            await written.close()
          }
          await rename(draft, place)
        } finally {
          await rm(draft, { force: true })
        }
        await synced(folder)
        return 'sent'
      }),
    )
  }

  const telling = async <T>(doing: string, act: () => Promise<T>): Promise<T> => {
    try {
      return await act()
    } catch (cause) {
      if (cause instanceof Fault || (cause as Error).name === 'AbortError') throw cause
      const { code = '' } = cause as NodeJS.ErrnoException
      if (code === 'ELOOP' || code === 'ENOTDIR')
        throw uploadFaults.refused(told, doing, 'something that is no folder lies on the way', undefined, cause)
      const todo = /ENOSPC|EDQUOT/.test(code)
        ? 'Make room there, and retry'
        : 'Mend that, or set a new cloud link, and retry'
      throw uploadFaults.refused(told, doing, withoutPath(cause), todo, cause)
    }
  }

  const probe: Target['probe'] = (signal) =>
    telling('take a small file', () =>
      inFolder(link.path.split('/'), async (folder) => {
        signal.throwIfAborted()
        const place = join(folder, `.${randomUUID()}.probe`)
        await (await open(place, 'wx', 0o600)).close()
        await rm(place)
      }),
    )

  return { takes: 'files', told, probe, put }
}

/** Where Linux shows an open folder as one, it is gone on from there; elsewhere from its path. */
const enter = async (path: string, flags: number): Promise<{ readonly handle: FileHandle; readonly path: string }> => {
  const handle = await open(path, flags)
  return { handle, path: process.platform === 'linux' ? `/proc/self/fd/${handle.fd}` : path }
}

const synced = async (folder: string): Promise<void> => {
  const handle = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY)
  await handle.sync().finally(() => handle.close())
}

const ifThere = (cause: NodeJS.ErrnoException): void => {
  if (cause.code !== 'EEXIST') throw cause
}

const unlessMissing = (cause: NodeJS.ErrnoException): undefined => {
  if (cause.code !== 'ENOENT') throw cause
}

/** What the system said, without the place that it names: that is one of this process alone. */
const withoutPath = (cause: unknown): string => reasonOf(cause).replace(/,? '[^']*'( -> '[^']*')?$/, '')
