import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { pollResource } from '#agents/pipelines/poll'
import { openResource } from '#agents/pipelines/resource-child'
import { storeOnDisk, temporaryFolder } from './on-disk.ts'

type Options = {
  readonly before?: Pick<Awaited<ReturnType<typeof storeOnDisk>>, 'base' | 'hub'>
  readonly silence?: number
  readonly node?: string
}

/** A store that mirrors a folder, by way of a resource in a process of its own; see `resource-config.ts`. */
export const shelfOnDisk = async ({ before, silence = 60_000, node = 'in' }: Options = {}) => {
  const base = before?.base ?? temporaryFolder()
  const shelf = join(base, 'shelf')
  mkdirSync(shelf, { recursive: true })
  process.env.MILLRACE_TEST_SHELF = shelf
  const stop = new AbortController()
  const lines: string[] = []
  const configPath = join(import.meta.dirname, 'resource-config.ts')
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
  onTestFinished(end)
  const noted = (what: 'reads' | 'lists') =>
    existsSync(`${shelf}.${what}`) ? readFileSync(`${shelf}.${what}`, 'utf8').split('\n').slice(0, -1) : []
  const told = async () => (await disk.facts()).map(({ type, path = '' }) => `${type.replace('artifact.', '')} ${path}`)
  return { ...disk, base, shelf, source, poll, end, noted, told, lines, halt: () => stop.abort() }
}
