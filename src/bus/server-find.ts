import { execFile } from 'node:child_process'
import { access, constants, mkdir, mkdtemp, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { faults, reasonOf } from './fault.ts'
import { fetchDebian, fetchRelease, type Mirror, officialRelease, type Release } from './server-fetch.ts'
import { isOlder, serverFloor } from './version.ts'

export type ServerBinary = { readonly path: string; readonly version: string }

/** Where fetched servers are kept for the next start. */
export const defaultCache = (env: NodeJS.ProcessEnv = process.env): string =>
  env.MILLRACE_CACHE || join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'millrace')

export type FindOptions = {
  readonly cache: string
  readonly env?: NodeJS.ProcessEnv
  /** Gets one line for each thing that is passed over, fails or is downloaded. */
  readonly say?: (line: string) => void
  readonly signal?: AbortSignal
  /** Where the official archive comes from and what it must be. */
  readonly release?: Release
  /** A download that brings no bytes for this long has failed. */
  readonly stallMs?: number
  /** Where this machine's apt sources are written. */
  readonly aptFolder?: string
}

/** What a look at this machine finds: a server that will do, if there is one, and why others are passed over. */
export type Look = { readonly fit: ServerBinary | null; readonly reasons: readonly string[] }

/** Looks for a nats-server that is here already: the one that MILLRACE_NATS_SERVER names, else PATH, else the cache. */
export const lookHere = async (
  cache: string,
  env: NodeJS.ProcessEnv = process.env,
  say: (line: string) => void = () => {},
): Promise<Look> => {
  const named = env.MILLRACE_NATS_SERVER
  if (named) return { fit: await asNamed(resolve(named)), reasons: [] }

  const reasons = ['MILLRACE_NATS_SERVER: not set']
  const pass = (step: string) => (reason: string) => {
    reasons.push(`${step}: ${reason}`)
    say(`${step}: ${reason}`)
  }
  const onPath = (env.PATH ?? '').split(delimiter).filter(Boolean)
  const paths = onPath.map((folder) => resolve(folder, 'nats-server'))
  const installed = await firstFit(paths, pass('PATH'))
  if (installed.fit) return { fit: installed.fit, reasons }
  if (installed.looked === 0) reasons.push('PATH: no nats-server in any of its folders')

  const kept = await firstFit(await keptIn(cache), pass('Cache'))
  if (kept.looked === 0) reasons.push(`Cache: nothing in ${cache}`)
  return { fit: kept.fit, reasons }
}

/**
 * Finds a nats-server of at least {@link serverFloor}, or fetches one into `cache`: the one that MILLRACE_NATS_SERVER names,
 * else PATH, the cache, the official release, Debian. Throws one fault with every step's reason.
 */
export const findServer = async (options: FindOptions): Promise<ServerBinary> => {
  const { cache, env = process.env, say = () => {}, signal } = options
  const { release = officialRelease, stallMs = 10_000, aptFolder = '/etc/apt' } = options
  const { fit, reasons: local } = await lookHere(cache, env, say)
  if (fit) return fit
  const reasons = [...local]

  const sources = {
    'Official release': (folder: string) => fetchRelease({ folder, release, stallMs, say, signal }),
    Debian: async (folder: string) =>
      fetchDebian({ folder, env, mirror: await debianMirror(aptFolder), stallMs, say, signal }),
  }
  for (const [step, fetch] of Object.entries(sources)) {
    signal?.throwIfAborted()
    try {
      return await keep(cache, fetch)
    } catch (reason) {
      signal?.throwIfAborted()
      const told = `${step}: ${reasonOf(reason)}`
      reasons.push(told)
      say(told)
    }
  }
  throw faults.serverNotFound(serverFloor, reasons)
}

/** The user has chosen: nothing else will do, so whatever is wrong with it is said. */
const asNamed = async (path: string): Promise<ServerBinary> => {
  const version = await versionOf(path).catch((cause) => {
    throw faults.serverUnusable(path, reasonOf(cause), serverFloor)
  })
  if (isOlder(version, serverFloor)) throw faults.serverTooOld(path, version, serverFloor)
  return { path, version }
}

/** The first of `paths` that runs and is new enough; `pass` hears of the others. Missing files don't count. */
const firstFit = async (paths: readonly string[], pass: (reason: string) => void) => {
  let looked = 0
  for (const path of paths) {
    const runnable = await access(path, constants.X_OK).then(
      () => stat(path),
      () => null,
    )
    if (!runnable?.isFile()) continue
    looked++
    const version = await versionOf(path).catch((cause) => pass(`passed over ${path}: ${reasonOf(cause)}`))
    if (!version) continue
    if (!isOlder(version, serverFloor)) return { fit: { path, version }, looked }
    pass(`passed over ${path}: it is ${version}, Millrace needs ${serverFloor} or newer`)
  }
  return { fit: null, looked }
}

/** The newest first. */
const keptIn = async (cache: string): Promise<string[]> => {
  const names = await readdir(cache).catch(() => [])
  const versions = names.flatMap((name) => name.match(/^nats-server-(\d+\.\d+\.\d+\S*)$/)?.[1] ?? [])
  return versions.sort((a, b) => (isOlder(a, b) ? 1 : -1)).map((version) => resolve(cache, `nats-server-${version}`))
}

/** Fetches into a folder of its own and moves the result into place, so two at once do not hurt each other. */
const keep = async (cache: string, fetch: (folder: string) => Promise<string>): Promise<ServerBinary> => {
  await mkdir(cache, { recursive: true })
  const folder = await mkdtemp(join(resolve(cache), '.fetch-'))
  try {
    const fetched = await fetch(folder)
    const version = await versionOf(fetched)
    if (isOlder(version, serverFloor)) throw new Error(`it has ${version} only, Millrace needs ${serverFloor} or newer`)
    const path = resolve(cache, `nats-server-${version}`)
    await rename(fetched, path)
    return { path, version }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const versionOf = async (path: string): Promise<string> => {
  const { stdout } = await promisify(execFile)(path, ['-v'], { timeout: 10_000 }).catch((cause) => {
    throw new Error(`it does not run (${cause.code === 'ENOENT' ? 'there is no such file' : reasonOf(cause).trim()})`)
  })
  const version = stdout.match(/nats-server: v?(\d+\.\d+\.\d+\S*)/)?.[1]
  if (!version) throw new Error(`it does not answer -v with the version of a nats-server`)
  return version
}

/** The main Debian archive among the machine's apt sources, in either format; not security, not a third party's. */
const debianMirror = async (apt: string): Promise<Mirror> => {
  const parts = (await readdir(join(apt, 'sources.list.d')).catch(() => [])).sort()
  const paths = ['sources.list', ...parts.map((name) => join('sources.list.d', name))]
  const texts = await Promise.all(paths.map((path) => readFile(join(apt, path), 'utf8').catch(() => '')))
  const archives = paths
    .flatMap((path, at) =>
      (path.endsWith('.sources') ? stanzas : path.endsWith('.list') ? lines : () => [])(texts[at]!),
    )
    .filter(({ suites, components }) => / main /.test(` ${components} `) && suites.split(/\s+/).some(isDebian))
  const found = archives.find(({ key }) => !key.startsWith('/') || key.includes('debian-archive')) ?? archives[0]
  if (!found) throw new Error(`no Debian archive in ${apt}: this step needs a Debian machine`)
  // A key that stands in the file itself, or a fingerprint, is left aside for the archive's own keyring.
  return { uri: found.uri, keyring: found.key.startsWith('/') ? found.key : debianKeyring }
}

const debianKeyring = '/usr/share/keyrings/debian-archive-keyring.gpg'

const isDebian = (suite: string) =>
  /^(sid|unstable|testing|(old){0,2}stable|buster|bullseye|bookworm|trixie|forky|duke)$/.test(suite)

const stanzas = (text: string) =>
  text.split(/\n\s*\n/).flatMap((stanza) => {
    const field = (name: string) => stanza.match(new RegExp(`^${name}:[ \\t]*(.*)$`, 'im'))?.[1]?.trim() ?? ''
    const uri = field('URIs').split(/\s+/)[0]
    if (!uri || !/\bdeb\b/.test(field('Types')) || /^no$/i.test(field('Enabled'))) return []
    return [{ uri, suites: field('Suites'), components: field('Components'), key: field('Signed-By') }]
  })

const lines = (text: string) =>
  [...text.matchAll(/^deb\s+(?:\[(.*?)\]\s+)?(\S+)\s+(\S+)\s+(.*)$/gm)].map(([, options, uri, suites, components]) => {
    const key = options?.match(/signed-by=(\S+)/)?.[1] ?? ''
    return { uri: uri!, suites: suites!, components: components!, key }
  })
