import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readEndNodeFile, readPortalFile, readSiteFile } from '#agents/experiments/host-file'
import { temporaryFolder } from '../agents/on-disk.ts'

const file = join(temporaryFolder(), 'host.yaml')
const portal = (more: string) => `projects: {}\nsites: {}\n${more}`
const siteOf = (more: string) =>
  `projects: {}\nsites:\n  north: { server: north, transport: bus, nodes: {}, ${more} }\n`
const site = (more: string) => `site: north\nregistry: 127.0.0.1:5000\nnodes: {}\n${more}`

test.each<[string, (path: string) => Promise<unknown>, string, string]>([
  [
    'a misspelt field',
    readPortalFile,
    portal('operater: [olga]'),
    "3: operater: no field is called so; did you mean 'operators'?",
  ],
  [
    'one of a project',
    readPortalFile,
    'projects:\n  rover: { member: [x] }\nsites: {}',
    "2: projects.rover.member: no field is called so; did you mean 'members'?",
  ],
  [
    'one of an end node',
    readPortalFile,
    'projects: {}\nsites:\n  north: { server: n, transport: bus, nodes: { one: { type: x, agnt: y } } }',
    "3: sites.north.nodes.one.agnt: no field is called so; did you mean 'agent'?",
  ],
  [
    'one of ssh',
    readPortalFile,
    siteOf('ssh: { host: x, knownhosts: y }'),
    "3: sites.north.ssh.knownhosts: no field is called so; did you mean 'knownHosts'?",
  ],
  [
    'a name in place of a list',
    readPortalFile,
    portal('administrators: ada'),
    '3: administrators: expected a list of names, as [ada, olga]',
  ],
  [
    'a link in place of a host',
    readPortalFile,
    portal('gitHosts: [https://git.example]'),
    '3: gitHosts.0: expected the name of a host, as git.example.org',
  ],
  [
    'a command that names no experiment',
    readPortalFile,
    siteOf('packageBuilder: [millrace, package-builder]'),
    '3: sites.north.packageBuilder: expected {id} among its words',
  ],
  [
    'a misspelt field of a site',
    readSiteFile,
    site('contaner: {}'),
    "4: contaner: no field is called so; did you mean 'container'?",
  ],
  [
    'a size with a letter',
    readSiteFile,
    site('container: { memory: 256m }'),
    '4: container.memory: expected bytes, as 268435456',
  ],
  [
    'less than any container is given',
    readSiteFile,
    site('container: { memory: 256 }'),
    '4: container.memory: expected at least 6291456 bytes',
  ],
  [
    'a misspelt field of an end node',
    readEndNodeFile,
    'site: north\nnode: one\nengin: x',
    "3: engin: no field is called so; did you mean 'engine'?",
  ],
])('%s is told with its line, and with what was probably meant', async (_, read, text, said) => {
  writeFileSync(file, text)
  await expect(read(file)).rejects.toThrow(`host.yaml:${said}`)
})

test('hosts of repositories are meant however their names are written', async () => {
  writeFileSync(file, portal('gitHosts: [Git.Example, "*"]'))
  expect(await readPortalFile(file)).toMatchObject({ gitHosts: ['git.example', '*'] })
})
