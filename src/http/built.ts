import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Where the built console may lie: beside the sources, or in the build. */
export const builtAt = ['./console/dist/', '../../console/'].map((path) =>
  fileURLToPath(new URL(path, import.meta.url)),
)

/** The folder that holds a built console; undefined where none has been built. */
export const builtIn = (folders: readonly string[]): string | undefined =>
  folders.find((one) => existsSync(join(one, 'index.html')))

/**
 * The console's style sheets, as its first page names them now: a later build gives them other names. None where that page
 * can't be read: a page without style says more than none.
 */
export const styleSheets = (folder: string): readonly string[] => {
  const page = textOf(join(folder, 'index.html'))
  return [...page.matchAll(/<link rel="stylesheet"[^>]* href="([\w./-]+)"/g)].flatMap(([, href]) => href ?? [])
}

const textOf = (file: string): string => {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
