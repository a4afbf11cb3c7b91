import { lstat, mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Fault } from '#bus/fault'
import { gitLink, gitRef, localGitLink, protocolOfGitLink } from '#contracts/git-link'
import { problemsOf } from '#contracts/problems'
import { type GitCall, type GitEnded, git, type Protocol, type SshKeys } from './git.ts'
import { checkListing, type SourceLimits, tooLarge } from './source-listing.ts'
import { bytesBelow, checkTree, type Extent } from './source-tree.ts'

export type SourceAsked = {
  readonly link: string
  /** A branch or a tag; without one, what the repository itself begins with. */
  readonly ref?: string | undefined
  /** The folder that the source becomes; nothing may lie there. */
  readonly into: string
  readonly limits: SourceLimits
  readonly allow: { readonly protocols: readonly Protocol[] }
  readonly ssh?: SshKeys | undefined
  readonly signal: AbortSignal
  /** Told of each line that git says. */
  readonly say: (line: string) => void
  /** Told the command that clones, as it is run. */
  readonly ran?: GitCall['ran']
}

/** What was fetched: the commit it is of, and how much it is. */
export type Source = Extent & { readonly commit: string }

/** How often the size of what is being cloned is looked at, in milliseconds. */
const lookEvery = 100

/** The bytes as they were committed, whatever the repository says of its files: no filter, no other line ends, no other encoding. */
const attributes = '* -text -filter -ident !eol !working-tree-encoding\n'

/**
 * Fetches the files of one commit, without its history, its submodules and what its filters stand for. `into` is there whole
 * and checked, or not at all: also after an abort, and what a killed try left beside it is removed by the next. Two at a time
 * into the same folder are not allowed. Rejects with a fault that says what the repository must be like, or what git said;
 * where `signal` aborts, with its reason.
 */
export const fetchSource = async (asked: SourceAsked): Promise<Source> => {
  const { link, limits, signal } = asked
  const into = resolve(asked.into)
  checkAsked(asked)
  if (await lstat(into).catch(() => undefined))
    throw new Fault('source.taken', `${into} is there already. Move it away first`)
  await mkdir(dirname(into), { recursive: true })
  await removeLeftovers(into)
  const draft = await mkdtemp(join(dirname(into), `.${basename(into)}.fetching-`))
  const stop = new AbortController()
  const clock = setTimeout(() => stop.abort(tookTooLong(link, limits.milliseconds)), limits.milliseconds)
  try {
    const source = await fetchInto(draft, { ...asked, signal: AbortSignal.any([signal, stop.signal]) })
    await rename(join(draft, 'tree'), into)
    return source
  } finally {
    clearTimeout(clock)
    await remove(draft)
  }
}

const checkAsked = ({ link, ref, allow: { protocols } }: SourceAsked): void => {
  const schema = link.startsWith('file:') && protocols.includes('file') ? localGitLink : gitLink
  const { error } = schema.safeParse(link)
  if (error) throw new Fault('source.bad-link', `'${shown(link)}' can't be fetched: ${problemsOf(error.issues)}`)
  if (!protocols.includes(protocolOfGitLink(link)))
    throw new Fault('source.bad-link', `${link} can't be fetched: only ${protocols.join(' and ')} may be used here`)
  const { error: wrong } = gitRef.optional().safeParse(ref)
  if (wrong) throw new Fault('source.bad-ref', `'${shown(ref)}' can't be fetched: ${problemsOf(wrong.issues)}`)
}

/** What was given, for people: without what may be a password, and what may be no letter. */
const shown = (text = ''): string =>
  text
    .slice(0, 200)
    .replace(/\/\/[^/]*@/, '//…@')
    .replaceAll(/\p{Cc}/gu, ' ')

/** Clones, looks at what came, and lays it into `tree`, without `.git`. */
const fetchInto = async (draft: string, asked: SourceAsked): Promise<Source> => {
  const { allow, ssh, signal, say, ran } = asked
  const tree = join(draft, 'tree')
  const alone = { folder: tree, protocols: [], signal, hear: undefined } satisfies GitCall
  await clone(draft, asked, { folder: draft, protocols: allow.protocols, ssh, signal, hear: say, ran })
  // What was left out of the clone is missing from now on, and not fetched after all when it is looked for.
  await git(['config', '--local', '--unset-all', 'extensions.partialClone'], alone)
  await git(['config', '--local', '--remove-section', 'remote.origin'], alone)
  await mkdir(join(tree, '.git/info'), { recursive: true })
  await writeFile(join(tree, '.git/info/attributes'), attributes)
  const commit = await commitOf(asked.link, alone)
  await checkListing(asked.limits, alone)
  const { code, lastWords } = await git(['checkout', '--quiet', '--force', '--detach', 'HEAD'], alone)
  if (code !== 0)
    throw new Fault('source.broken', `The files of the repository can't be written. Git says:\n${lastWords}`)
  await remove(join(tree, '.git'))
  const extent = await checkTree(tree, say)
  signal.throwIfAborted()
  return { commit, ...extent }
}

const clone = async (draft: string, { link, ref, limits }: SourceAsked, call: GitCall): Promise<void> => {
  const stop = new AbortController()
  const args = [
    ...['clone', '--progress', '--depth=1', '--single-branch', '--no-tags', '--no-checkout', '--template='],
    // Where the server knows how, a file that is too large by itself is not even sent.
    ...['--no-recurse-submodules', '--no-local', `--filter=blob:limit=${limits.bytes + 1}`],
    ...(ref === undefined ? [] : [`--branch=${ref}`]),
  ]
  const watching = watch(draft, limits.bytes, stop)
  const signal = AbortSignal.any([call.signal, stop.signal])
  try {
    const ended = await git([...args, '--', link, 'tree'], { ...call, signal })
    if (ended.code !== 0) throw refused(link, ref, ended)
  } finally {
    stop.abort()
    await watching
  }
}

/** Aborts once a folder holds more than it may. */
const watch = async (folder: string, most: number, stop: AbortController): Promise<void> => {
  while (!stop.signal.aborted) {
    const bytes = await bytesBelow(folder)
    if (bytes > most) stop.abort(tooLarge(bytes, most))
    await delay(lookEvery, undefined, { signal: stop.signal }).catch(() => undefined)
  }
}

const refused = (link: string, ref: string | undefined, { code, lastWords }: GitEnded): Fault => {
  if (ref !== undefined && /^fatal: Remote branch .* not found in upstream/m.test(lastWords))
    return new Fault('source.no-ref', `${link} has no branch and no tag ${ref}. Push it, or name another one`)
  const said = lastWords || `nothing, and ended with ${code ?? 'a signal'}`
  return new Fault('source.refused', `${said}\nSo git said when it was to clone ${link}. Mend that, or the link`)
}

const commitOf = async (link: string, call: GitCall): Promise<string> => {
  let printed = ''
  const take = (chunk: Buffer) => {
    printed += chunk.toString('latin1')
  }
  await git(['rev-parse', '--verify', '--quiet', '--end-of-options', 'HEAD^{commit}'], { ...call, take })
  const [commit] = /^(?:[\da-f]{40}|[\da-f]{64})$/m.exec(printed) ?? []
  if (commit === undefined) throw new Fault('source.empty', `${link} begins with no commit. Push one, or name a branch`)
  return commit
}

const tookTooLong = (link: string, milliseconds: number): Fault =>
  new Fault(
    'source.too-slow',
    `${link} was not fetched within ${Math.ceil(milliseconds / 1_000)} s. Try again, or make the repository smaller`,
  )

/** Removes what tries before this one left, which were killed. */
const removeLeftovers = async (into: string): Promise<void> => {
  const prefix = `.${basename(into)}.fetching-`
  for (const name of await readdir(dirname(into)))
    if (name.startsWith(prefix) && /^\w{6}$/.test(name.slice(prefix.length))) await remove(join(dirname(into), name))
}

/** A git whose parent was killed may still write there for a moment. */
const remove = (folder: string): Promise<void> => rm(folder, { recursive: true, force: true, maxRetries: 10 })
