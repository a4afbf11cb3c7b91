import { createHash, randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import type { CloudLink } from '#contracts/cloud-link'
import { checkedBytes } from './checked-bytes.ts'
import type { WebDavLogin } from './link-of-web.ts'
import { faultOfBreak, faultOfStatus, wordsOf } from './upload-faults.ts'
import type { FileByFile, Target } from './upload-target.ts'
import { askWeb, type WebAnswer, type WebRequest } from './web-request.ts'

type WebDavLink = Extract<CloudLink, { kind: 'webdav' }>

/**
 * A folder of a WebDAV server, which tells sizes and times, but no digests. So a file that lies there counts as sent where its size
 * is right and it is known to be of this upload: its manifest lies there already; or it is newer than a mark with the manifest's
 * digest, which is put before the first file and removed behind the last. Redirects are not followed.
 */
export const webDavTarget = (
  link: WebDavLink,
  login: WebDavLogin | undefined,
  lookup?: WebRequest['lookup'],
): Target => {
  const base = new URL(link.url.endsWith('/') ? link.url : `${link.url}/`)
  const told = `${base.host}${base.pathname}`
  const shown = login && Buffer.from(`${login.user}:${login.password}`).toString('base64')
  const made = new Map<string, Promise<void>>()
  /** Since when what lies in the folder of a manifest is of this upload, in milliseconds since 1970. */
  const since = new Map<string, number>()

  const ask = async (
    method: string,
    path: string,
    doing: string,
    more: Pick<WebRequest, 'body' | 'atMost' | 'signal'>,
  ) => {
    const url = new URL(path.split('/').map(encodeURIComponent).join('/'), base)
    const headers = shown === undefined ? {} : { authorization: `Basic ${shown}` }
    try {
      return await askWeb({ method, url, headers, ...more, ...(lookup && { lookup }) })
    } catch (cause) {
      more.signal.throwIfAborted()
      throw faultOfBreak(told, doing, cause)
    }
  }
  const must = async (
    [method, path, doing, more]: Parameters<typeof ask>,
    allowed: readonly number[] = [],
  ): Promise<WebAnswer> => {
    const answer = await ask(method, path, doing, more)
    const fault = allowed.includes(answer.status)
      ? undefined
      : faultOfStatus(told, doing, answer.status, wordsOf(answer.body))
    if (fault) throw fault
    return answer
  }

  const makeFolder = async (folder: string, signal: AbortSignal): Promise<void> => {
    const [parent, doing] = [parentOf(folder), `make the folder ${folder}`]
    if (parent !== '') await folderFor(folder, signal)
    await must(['MKCOL', `${folder}/`, doing, { signal }], [405]) // 405: it is there.
  }
  /** Makes the folders above a path, each once. */
  const folderFor = (path: string, signal: AbortSignal): Promise<void> => {
    const folder = parentOf(path)
    const making = made.get(folder) ?? makeFolder(folder, signal)
    made.set(folder, making)
    making.catch(() => made.delete(folder))
    return making
  }

  const putSmall = (path: string, text: string, signal: AbortSignal) => {
    const bytes = Buffer.from(text)
    return must(['PUT', path, `take ${path}`, { body: { bytes, length: bytes.length }, signal }])
  }
  const remove = (path: string, signal: AbortSignal) => must(['DELETE', path, `remove ${path}`, { signal }], [404])

  const begin: FileByFile['begin'] = async (manifest, signal) => {
    const [folder, mark] = [parentOf(manifest.path), markOf(manifest.path)]
    await folderFor(manifest.path, signal)
    const look = (path: string, atMost: number) => must(['GET', path, `show ${path}`, { atMost, signal }], [404])
    const found = await look(manifest.path, manifest.size + 1)
    if (found.status !== 404) {
      if (createHash('sha256').update(found.body).digest('hex') === manifest.sha256) return void since.set(folder, 0)
      await remove(manifest.path, signal) // Of other results: with some of these they would look whole.
    }
    const marked = await look(mark, 1024)
    if (marked.status !== 404 && marked.body.toString() === manifest.sha256)
      return void since.set(folder, timeOf(marked) ?? Number.POSITIVE_INFINITY)
    since.set(folder, Number.POSITIVE_INFINITY)
    await putSmall(mark, manifest.sha256, signal)
  }

  const put: FileByFile['put'] = async (path, sent, signal) => {
    const doing = `take ${path}`
    const from = [...since].find(([folder]) => path.startsWith(`${folder}/`))?.[1] ?? Number.POSITIVE_INFINITY
    if (from < Number.POSITIVE_INFINITY) {
      const found = await must(['HEAD', path, `show ${path}`, { signal }], [404, 405, 501])
      const isOfIt = from === 0 || (timeOf(found) ?? 0) > from
      if (found.status === 200 && Number(found.headers['content-length']) === sent.size && isOfIt) return 'there'
    }
    await folderFor(path, signal)
    const bytes = Readable.from(checkedBytes(sent), { objectMode: false })
    await must(['PUT', path, doing, { body: { bytes, length: sent.size }, signal }])
    return 'sent'
  }

  const end: FileByFile['end'] = async (manifest, signal) => void (await remove(markOf(manifest.path), signal))

  const probe: Target['probe'] = async (signal) => {
    const path = `probe-${randomUUID()}.txt`
    await putSmall(path, 'probe', signal)
    await must(['DELETE', path, 'remove a small file', { signal }])
  }

  return { takes: 'files', told, probe, begin, put, end }
}

const parentOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')))

const markOf = (manifest: string): string => `${manifest}.sending`

/** When what lies there was changed last, by the server's clock, in milliseconds since 1970. */
const timeOf = ({ headers }: WebAnswer): number | undefined => {
  const time = Date.parse(headers['last-modified'] ?? '')
  return Number.isNaN(time) ? undefined : time
}
