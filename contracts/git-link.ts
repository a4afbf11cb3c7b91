import { z } from 'zod'

/** Everything a link is told apart by: what speaks to its host, and which one that is; '' for this machine. */
type Read = { readonly protocol: 'https' | 'ssh' | 'file'; readonly host: string }
type Judged = Read | { readonly wrong: string }

const remote = 'https://host/path, ssh://user@host/path or user@host:path'
const any = 'https://host/path, ssh://user@host/path, user@host:path, or file:///path where repositories lie on disk'
const longest = 2_000

const user = /^[a-z\d_][\w.-]{0,63}$/i
const label = /^[a-z\d]([a-z\d-]{0,61}[a-z\d])?$/i
const segment = /^[\w.~+@%-]+$/

/** What is wrong with a path; undefined where it may be asked for. */
const wrongPath = (path: string): string | undefined => {
  const segments = path.replace(/^\//, '').replace(/\/$/, '').split('/')
  if (segments.join('') === '') return 'names no repository'
  for (const one of segments) {
    const plain = decoded(one)
    if (one === '') return 'has an empty name between two /'
    if (!segment.test(one) || plain === undefined) return `may not hold '${one}': use letters, digits and ._~+@-`
    if (plain === '.' || plain === '..') return `may not hold '${one}'`
  }
  return path.startsWith('-') ? "may not begin with '-'" : undefined
}

/** What stands behind the % of a name; undefined where that is none, or would be more than a name. */
const decoded = (text: string): string | undefined => {
  try {
    const plain = decodeURIComponent(text)
    return /[\p{Cc}/\\]/u.test(plain) ? undefined : plain
  } catch {
    return undefined
  }
}

const isHost = (host: string): boolean => host.length <= 253 && host.split('.').every((part) => label.test(part))

/** Judges what is no path of this machine; `forms` is what a sentence says is expected. */
const judge = (link: string, forms = remote): Judged => {
  const expected = `expected ${forms}`
  if (link.length > longest) return { wrong: `expected at most 2,000 characters; received ${link.length}` }
  if (/[\p{Cc}\p{Z}]/u.test(link)) return { wrong: `a link has no spaces and no control characters; ${expected}` }
  if (/[?#]/.test(link))
    return { wrong: `a link has no query and no fragment; ${expected}, and name a branch beside it` }
  const [, scheme, rest = ''] = /^([^/]*):\/\/(.*)$/.exec(link) ?? []
  if (scheme === undefined) return judgeShort(link, expected)
  if (scheme !== 'https' && scheme !== 'ssh') return { wrong: `${scheme}:// is not spoken here; ${expected}` }
  const [authority = ''] = rest.split('/')
  const [host = '', ...before] = authority.split('@').reverse()
  const who = before.reverse().join('@')
  if (before.length > 0 && scheme === 'https')
    return { wrong: 'a link holds no user and no password; expected https://host/path, or ssh for what is not public' }
  if (before.length > 0 && !user.test(who))
    return { wrong: who.includes(':') ? `a link holds no password; ${expected}` : `'${who}' is no user; ${expected}` }
  const [, name = '', port] = /^(.*?)(?::(\d{1,5}))?$/.exec(host) ?? []
  if (!isHost(name)) return { wrong: `'${name}' is no host; ${expected}` }
  if (port !== undefined && !(Number(port) >= 1 && Number(port) <= 65_535))
    return { wrong: `${port} is no port; expected 1 to 65535` }
  const path = wrongPath(rest.slice(authority.length))
  return path ? { wrong: `the path ${path}; ${expected}` } : { protocol: scheme, host: name.toLowerCase() }
}

/** Judges `user@host:path`, as scp has it. */
const judgeShort = (link: string, expected: string): Judged => {
  const [, who, host = '', path = ''] = /^([^@:/]+)@([^@:/]+):([^:]*)$/.exec(link) ?? []
  if (who === undefined) return { wrong: `this is no Git link; ${expected}` }
  if (!user.test(who)) return { wrong: `'${who}' is no user; ${expected}` }
  if (!isHost(host)) return { wrong: `'${host}' is no host; ${expected}` }
  const wrong = wrongPath(path)
  return wrong ? { wrong: `the path ${wrong}; ${expected}` } : { protocol: 'ssh', host: host.toLowerCase() }
}

const judgeLocal = (link: string): Judged => {
  if (link.length > longest || !link.startsWith('file:///')) return { wrong: 'expected file:///path' }
  const wrong = wrongPath(link.slice('file://'.length))
  return wrong ? { wrong: `the path ${wrong}; expected file:///path` } : { protocol: 'file', host: '' }
}

const judgedBy = (judge: (link: string) => Judged, description: string) =>
  z
    .string()
    .superRefine((link, { addIssue }) => {
      const judged = judge(link)
      if ('wrong' in judged) addIssue({ code: 'custom', message: judged.wrong })
    })
    .describe(description)

/**
 * Where a repository is fetched from. Nothing else than these three forms is one: git takes some other texts for options, for
 * programs to run, or for files of the machine it runs on.
 */
export const gitLink = judgedBy((link) => judge(link), remote)

/** A repository on the disk of whoever fetches it: taken only where an installation says that it keeps them so. */
export const localGitLink = judgedBy(judgeLocal, 'file:///path')

/** The host of a link that was checked, in small letters and without its port; throws where it is no such link. */
export const hostOfGitLink = (link: string): string => readOf(link).host

/** What is spoken with the host of a link that was checked, `file` with none; throws where it is no link. */
export const protocolOfGitLink = (link: string): Read['protocol'] => readOf(link).protocol

const readOf = (link: string): Read => {
  const judged = link.startsWith('file:') ? judgeLocal(link) : judge(link)
  if ('wrong' in judged) throw new TypeError(judged.wrong)
  return judged
}

/** A branch or a tag, as git allows it, of at most 200 characters. */
export const gitRef = z
  .string()
  .max(200)
  .regex(
    /^(?!@$|[-./])(?!.*(?:\.\.|@\{|\/\/|\/\.|\.lock(?:\/|$)|[./]$))[\p{L}\p{N}\p{M}._/+@#=%,-]+$/u,
    'expected the name of a branch or a tag',
  )
  .describe('A branch or a tag')

/** Either of them: whether an installation takes repositories of its own disk is for its policy to say. */
export const anyGitLink = judgedBy((link) => (link.startsWith('file:') ? judgeLocal(link) : judge(link, any)), any)
