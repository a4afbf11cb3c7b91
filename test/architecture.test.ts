import { readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, expect, test } from 'vitest'

const root = join(import.meta.dirname, '..')

/** Who may import whom. Agents, projections and http never write to each other: they use the bus. */
const mayImport = {
  contracts: [],
  'src/bus': ['contracts'],
  'src/agents': ['contracts', 'bus'],
  'src/projections': ['contracts', 'bus'],
  'src/http': ['contracts', 'bus', 'projections'],
  'src/cli': ['contracts', 'bus', 'agents', 'projections', 'http'],
} as const satisfies Record<string, readonly string[]>

const filesIn = (folder: string): string[] =>
  readdirSync(folder).flatMap((entry) => {
    const path = join(folder, entry)
    if (statSync(path).isDirectory()) return entry === 'console' || entry === 'published' ? [] : filesIn(path)
    return path.endsWith('.ts') ? [path] : []
  })

const importsOf = (text: string): string[] =>
  [...text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map(([, specifier = '']) => specifier)

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

describe('imports', () => {
  test.each(Object.keys(mayImport) as (keyof typeof mayImport)[])('of %s point one way', (folder) => {
    const found = filesIn(join(root, folder)).flatMap((file) =>
      violations(folder, relative(root, file), readFileSync(file, 'utf8')),
    )
    expect(found).toEqual([])
  })

  test('a planted violation is found', () => {
    expect(violations('src/agents', 'src/agents/x.ts', "import { a } from '#http/web'")).toHaveLength(1)
    expect(violations('src/agents', 'src/agents/x.ts', "import { a } from '../bus/bus.ts'")).toHaveLength(1)
    expect(violations('src/agents', 'src/agents/x.ts', "import { a } from '@nats-io/jetstream'")).toHaveLength(1)
    expect(violations('contracts', 'contracts/x.ts', "import { a } from 'node:fs'")).toHaveLength(1)
  })
})
