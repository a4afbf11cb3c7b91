import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pollResource } from '#agents/pipelines/poll'
import { openResource } from '#agents/pipelines/resource-child'
import { afterwards, storeOnDisk, temporaryFolder } from './on-disk.ts'

type Options = {
  readonly before?: Pick<Awaited<ReturnType<typeof storeOnDisk>>, 'base' | 'hub'>
  readonly silence?: number
  readonly node?: string
}

/** A store that mirrors a folder, by way of a resource in a process of its own; see `resource-shelves.ts`. */
export const shelfOnDisk = async ({ before, silence = 60_000, node = 'in' }: Options = {}) => {
  const base = before?.base ?? temporaryFolder()
  const shelf = join(base, 'shelf')
  mkdirSync(shelf, { recursive: true })
  const stop = new AbortController()
  const lines: string[] = []
  const configPath = join(base, 'config.ts')
  const shelves = JSON.stringify(join(import.meta.dirname, 'resource-shelves.ts'))
  writeFileSync(
    configPath,
    `import { shelvesIn } from ${shelves}\nexport const shelves = shelvesIn(${JSON.stringify(shelf)})\n`,
  )
  const about = { part: `root/${node}`, configPath, base, say: (line: string) => lines.push(line) }
  const source = openResource({ ...about, signal: stop.signal, silence })
  const disk = await storeOnDisk(`root/${node}`, { ...(before ?? {}), base, kind: 'resource', source })
  const polls: Promise<void>[] = []
  const poll = (ignoreExisting = false) => {
    polls.push(pollResource(disk.store, source, { every: 20, ignoreExisting, signal: stop.signal }))
  }
  const end = async () => {
    stop.abort()
    await Promise.all(polls)
    await disk.end()
  }
  afterwards(end)
  const noted = (what: 'reads' | 'lists') =>
    existsSync(`${shelf}.${what}`) ? readFileSync(`${shelf}.${what}`, 'utf8').split('\n').slice(0, -1) : []
  const told = async () => (await disk.facts()).map(({ type, path = '' }) => `${type.replace('artifact.', '')} ${path}`)
  return { ...disk, base, shelf, source, poll, end, noted, told, lines, halt: () => stop.abort() }
}
