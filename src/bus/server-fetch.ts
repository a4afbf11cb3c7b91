import { execFile, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { access, mkdir, open, readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** An official release: where its archives lie, and the SHA-256 of each, by platform. */
export type Release = {
  readonly base: string
  readonly version: string
  readonly sha256: Readonly<Record<string, string>>
}

/** A platform without a checksum here is not fetched. The values are those that the nats-docker repository builds from. */
export const officialRelease: Release = {
  base: 'https://github.com/nats-io/nats-server/releases/download',
  version: '2.15.0',
  sha256: {
    'linux-amd64': '5d2c51caca950333aba84911df7d377f826f3a59ec36061c6539105084f65c92',
    'linux-arm64': 'cdc208f5a3f42963a52b6ab06ef65626bb870315dc936e26ba571780c6351112',
  },
}

/** This machine, as releases name it. */
export const platform = `${process.platform}-${process.arch === 'x64' ? 'amd64' : process.arch}`

type Fetch = {
  /** Private to this fetch; whoever calls removes it. */
  readonly folder: string
  readonly stallMs: number
  readonly say: (line: string) => void
  readonly signal: AbortSignal | undefined
}

/** Where Debian's archive is, and the keys that sign it. */
export type Mirror = { readonly uri: string; readonly keyring: string }

type Apt = Fetch & { readonly env: NodeJS.ProcessEnv; readonly mirror: Mirror }

/** Fetches the official archive, checks it, unpacks it; gives the binary's path inside `folder`. */
export const fetchRelease = async ({
  folder,
  release,
  stallMs,
  say,
  signal,
}: Fetch & { readonly release: Release }) => {
  const expected = release.sha256[platform]
  if (!expected) throw new Error(`no checksum is pinned for ${platform}, so nothing was downloaded`)

  const name = `nats-server-v${release.version}-${platform}`
  const url = `${release.base}/v${release.version}/${name}.tar.gz`
  say(`Fetching nats-server ${release.version} from ${url}`)
  const archive = join(folder, 'archive.tar.gz')
  const found = await download(url, archive, stallMs, signal)
  if (found !== expected) throw new Error(`${url} has SHA-256 ${found}, expected ${expected}; it was thrown away`)
  await promisify(execFile)('tar', ['-xzf', archive, '-C', folder, `${name}/nats-server`])
  return join(folder, name, 'nats-server')
}

/** Resolves with the SHA-256 of what was written. */
const download = async (url: string, path: string, stallMs: number, signal: AbortSignal | undefined) => {
  const stalled = new AbortController()
  const timer = setTimeout(() => stalled.abort(), stallMs)
  const hash = createHash('sha256')
  const file = await open(path, 'w')
  try {
    const response = await fetch(url, { signal: AbortSignal.any([stalled.signal, ...(signal ? [signal] : [])]) })
    if (!response.ok || !response.body) throw new Error(`${url} answered with status ${response.status}`)
    for await (const bytes of response.body) {
      timer.refresh()
      hash.update(bytes)
      await file.write(bytes)
    }
    return hash.digest('hex')
  } catch (reason) {
    if (stalled.signal.aborted) throw new Error(`${url} sent no bytes for ${stallMs / 1000} s; check the network`)
    const cause = reason instanceof Error && reason.cause instanceof Error ? reason.cause : null
    throw cause ? new Error(`${url} can't be reached (${cause.message}); check the network`, { cause }) : reason
  } finally {
    clearTimeout(timer)
    await file.close()
  }
}

/**
 * Fetches the newest nats-server of Debian unstable from this machine's own mirror; gives the binary's path inside
 * `folder`. It needs no root, changes nothing of the machine's apt, and apt checks the archive's signature as always.
 */
export const fetchDebian = async (options: Apt): Promise<string> => {
  const { folder, stallMs, say } = options
  const { uri, keyring } = options.mirror
  await access(keyring).catch(() => {
    throw new Error(`the archive's keyring ${keyring} is missing: install the package debian-archive-keyring`)
  })
  say(`Fetching nats-server of Debian unstable from ${uri}`)
  await mkdir(join(folder, 'lists/partial'), { recursive: true })
  await mkdir(join(folder, 'cache/archives/partial'), { recursive: true })
  // Only the list of packages: no translations, no AppStream data, whatever this machine adds for itself.
  await writeFile(
    join(folder, 'sources.list'),
    `deb [signed-by=${keyring} target=Packages lang=none] ${uri} unstable main\n`,
  )
  await writeFile(join(folder, 'apt.conf'), privateApt(folder, Math.ceil(stallMs / 1000)))
  const run = (program: string, ...args: string[]) => watched(program, args, options)
  await run('apt-get', '-c', join(folder, 'apt.conf'), 'update')
  await run('apt-get', '-c', join(folder, 'apt.conf'), 'download', 'nats-server')
  const packed = (await readdir(folder)).find((name) => name.endsWith('.deb'))
  if (!packed) throw new Error(`apt-get downloaded no package into ${folder}`)
  await run('dpkg-deb', '-x', packed, 'unpacked')
  for (const path of ['usr/sbin', 'usr/bin'].map((bin) => join(folder, 'unpacked', bin, 'nats-server')))
    if (await stat(path).catch(() => null)) return path
  throw new Error(`${packed} holds no usr/sbin/nats-server`)
}

/** Settings that keep this apt away from the machine's: lists, cache, pins and hooks. Proxies stay in force. */
const privateApt = (folder: string, seconds: number) => `
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
APT::Default-Release "";
Dir::Etc::sourcelist "${folder}/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Dir::State::lists "${folder}/lists";
Dir::Cache "${folder}/cache";
Acquire::Languages "none";
Acquire::Retries "0";
Acquire::http::Timeout "${seconds}";
Acquire::https::Timeout "${seconds}";
`

/** Runs a program until it ends; kills it once neither its output nor the files in `folder` have grown for a while. */
const watched = async (program: string, args: readonly string[], { folder, env, stallMs, signal }: Apt) => {
  signal?.throwIfAborted()
  const options = { cwd: folder, env: { ...env, LC_ALL: 'C' }, detached: true } as const
  const child = spawn(program, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
  const kill = () => {
    try {
      if (child.pid) process.kill(-child.pid, 'SIGKILL') // With the downloaders that it started.
    } catch {
      // All of them have ended by themselves just now.
    }
  }
  signal?.addEventListener('abort', kill)
  let [output, size, stalled, since] = ['', 0, false, performance.now()]
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
      since = performance.now()
    })
  const watch = setInterval(async () => {
    const grown = await sizeOf(folder)
    if (grown !== size) since = performance.now()
    size = grown
    if (stalled || child.exitCode !== null || performance.now() - since < stallMs) return
    stalled = true
    kill()
  }, stallMs / 10)
  try {
    const code = await new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve))
    if (stalled) throw new Error(`${program} brought no bytes for ${stallMs / 1000} s; check the mirror in /etc/apt`)
    if (code !== 0) throw new Error(`${program} ended with ${code}: ${complaint(output)}`)
  } catch (reason) {
    if ((reason as NodeJS.ErrnoException).code === 'ENOENT') throw new Error(`${program} is not on PATH`)
    throw reason
  } finally {
    clearInterval(watch)
    signal?.removeEventListener('abort', kill)
  }
}

const complaint = (output: string): string => {
  const told = output.split('\n').filter(Boolean)
  return (told.find((line) => /^E:|error/i.test(line)) ?? told.at(-1) ?? 'it said nothing').trim()
}

const sizeOf = async (folder: string): Promise<number> => {
  const entries = await readdir(folder, { recursive: true }).catch(() => [])
  const sizes = await Promise.all(
    entries.map((name) =>
      stat(join(folder, name)).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  )
  return sizes.reduce((sum, size) => sum + size, 0)
}
