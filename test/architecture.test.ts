import { readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, expect, test } from 'vitest'

const root = join(import.meta.dirname, '..')

/** Who may import whom. Agents, projections and http never write to each other: they use the bus. */
const mayImport = {
  contracts: [],
  'src/bus': ['contracts'],
  'src/client': ['contracts', 'bus'],
  'src/agents': ['contracts', 'bus'],
  'src/projections': ['contracts', 'bus'],
  'src/rehearsal': ['contracts', 'bus', 'agents', 'projections'],
  'src/http': ['contracts', 'bus', 'projections'],
  'src/cli': ['contracts', 'bus', 'agents', 'projections', 'http', 'client'],
} as const satisfies Record<string, readonly string[]>

/** What the package gives: a config's words, and the client for scripts. It decides nothing, and loads no more than the words. */
const rootFile = 'src/millrace.ts'

const filesIn = (folder: string): string[] =>
  readdirSync(folder).flatMap((entry) => {
    const path = join(folder, entry)
    if (statSync(path).isDirectory()) return entry === 'console' || entry === 'published' ? [] : filesIn(path)
    return path.endsWith('.ts') ? [path] : []
  })

const importsOf = (text: string): string[] =>
  [...text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map(([, specifier = '']) => specifier)

/** What a file imports as soon as it is loaded: no types, and nothing that is imported later. */
const loadsOf = (text: string): string[] =>
  [...text.matchAll(/^(?:import|export)\s(?!type\s)(?:[^';]*?\sfrom\s)?'([^']+)'/gm)].map(
    ([, specifier = '']) => specifier,
  )

/** All that is loaded with a file: files of this project, and packages by their names. */
const loadedBy = (file: string, loaded = new Set<string>()): Set<string> => {
  for (const specifier of loadsOf(readFileSync(join(root, file), 'utf8'))) {
    const [, border, path] = /^#(\w+)\/(.+)/.exec(specifier) ?? []
    const found = border
      ? `${border === 'contracts' ? border : `src/${border}`}/${path}.ts`
      : specifier.startsWith('.')
        ? join(dirname(file), specifier)
        : specifier
    if (loaded.has(found)) continue
    loaded.add(found)
    if (found.endsWith('.ts')) loadedBy(found, loaded)
  }
  return loaded
}

/** What is wrong with the imports of one file, given the folder it belongs to. */
const violations = (folder: keyof typeof mayImport, file: string, text: string): string[] =>
  importsOf(text).flatMap((specifier) => {
    const border = /^#(\w+)\//.exec(specifier)?.[1]
    if (border && !(mayImport[folder] as readonly string[]).includes(border)) return [`${file} imports ${specifier}`]
    if (specifier.startsWith('../') && relative(folder, join(dirname(file), specifier)).startsWith('..'))
      return [`${file} leaves its folder with ${specifier}`]
    if (specifier.startsWith('@nats-io/') && folder !== 'src/bus') return [`${file} imports ${specifier}`]
    if (folder === 'contracts' && !specifier.startsWith('./') && specifier !== 'zod')
      return [`${file} imports ${specifier}`]
    return []
  })

/** Whose files those of a folder of agents may use beside what lies in `src/agents` itself: a system, what it is made of, and no other system. */
const agentsMayUse: Readonly<Record<string, readonly string[]>> = {
  pipelines: [],
  machines: [],
  sources: [],
  containers: ['machines'],
  uploads: ['containers'],
  notices: ['uploads'],
  experiments: ['machines', 'sources', 'containers', 'uploads', 'notices'],
}

describe('imports', () => {
  test('of agents lead from a system to what it is made of', () => {
    const folders = readdirSync(join(root, 'src/agents'), { withFileTypes: true }).filter((one) => one.isDirectory())
    expect(folders.map(({ name }) => name).toSorted()).toEqual(Object.keys(agentsMayUse).toSorted())
    const wrong = folders.flatMap(({ name }) =>
      filesIn(join(root, 'src/agents', name)).flatMap((file) =>
        importsOf(readFileSync(file, 'utf8')).flatMap((specifier) => {
          const folder = /^\.\.\/([\w-]+)\//.exec(specifier)?.[1]
          const isFine = folder === undefined || agentsMayUse[name]?.includes(folder)
          return isFine ? [] : [`${relative(root, file)} imports ${specifier}`]
        }),
      ),
    )
    expect(wrong).toEqual([])
  })

  test.each(Object.keys(mayImport) as (keyof typeof mayImport)[])('of %s point one way', (folder) => {
    const found = filesIn(join(root, folder)).flatMap((file) =>
      violations(folder, relative(root, file), readFileSync(file, 'utf8')),
    )
    expect(found).toEqual([])
  })

  test('of the package are those of configs and scripts', () => {
    const found = new Set(importsOf(readFileSync(join(root, rootFile), 'utf8')).map((one) => one.split('/')[0]))
    expect([...found].toSorted()).toEqual(['#agents', '#client', 'millrace'])
  })

  test.each([
    ['a config', rootFile, 'define', /^src\/(client|projections|rehearsal|http|cli)\/|^better-sqlite3$|^drizzle-orm/],
    ['a test of a config', 'src/rehearsal/testing.ts', 'run', /^src\/(client|projections|http|cli)\/|^drizzle-orm/],
  ])('of %s load nothing that it does not need at once', (_, file, needed, needless) => {
    const loaded = loadedBy(file)
    expect([...loaded]).toContain(`src/agents/pipelines/${needed}.ts`)
    expect([...loaded].filter((one) => needless.test(one))).toEqual([])
  })

  test('of the console take nothing of ours into the browser but its own files', () => {
    const folder = join(root, 'src/http/console')
    const files = readdirSync(folder).filter((file) => /\.tsx?$/.test(file))
    const taken = files.flatMap((file) => loadsOf(readFileSync(join(folder, file), 'utf8')))
    expect(taken).toContain('./queries.ts')
    expect(taken.filter((one) => /^(#|\.\.)/.test(one))).toEqual([])
    const types = files.flatMap((file) => importsOf(readFileSync(join(folder, file), 'utf8')))
    expect(types.filter((one) => one.startsWith('#') && !one.startsWith('#contracts/'))).toEqual([])
  })

  test('a planted violation is found', () => {
    expect(violations('src/agents', 'src/agents/x.ts', "import { a } from '#http/web'")).toHaveLength(1)
    expect(violations('src/agents', 'src/agents/x.ts', "import { a } from '../bus/bus.ts'")).toHaveLength(1)
    expect(violations('src/agents', 'src/agents/x.ts', "import { a } from '@nats-io/jetstream'")).toHaveLength(1)
    expect(violations('contracts', 'contracts/x.ts', "import { a } from 'node:fs'")).toHaveLength(1)
  })
})
