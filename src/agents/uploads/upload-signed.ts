import type { CloudLink } from '#contracts/cloud-link'
import { archiveLength, archiveOf } from './archive.ts'
import { expiryOf } from './expiry.ts'
import { faultOfBreak, faultOfStatus, uploadFaults, wordsOf } from './upload-faults.ts'
import type { AllAtOnce, Target } from './upload-target.ts'
import { askWeb, type WebRequest } from './web-request.ts'

type SignedLink = Extract<CloudLink, { kind: 'signed-url' }>

/**
 * An address that somebody has signed so that one object can be put there: the results as one tar, whose length is said beforehand.
 * Whether the signature is right only the put shows; a probe sees whether it has expired, and whether anybody answers there.
 */
export const signedTarget = (
  { host }: SignedLink,
  address: string,
  { now = Date.now, lookup }: { readonly now?: () => number; readonly lookup?: WebRequest['lookup'] } = {},
): Target => {
  const told = `the signed address at ${host}`
  const url = URL.parse(address)
  const fresh = (): URL => {
    if (url?.host !== host) throw uploadFaults.badSecret(told)
    const until = expiryOf(url)
    if (until && until.getTime() <= now()) throw uploadFaults.expired(told, until)
    return url
  }
  const ask = async (doing: string, request: WebRequest) => {
    try {
      return await askWeb({ ...request, ...(lookup && { lookup }) })
    } catch (cause) {
      request.signal.throwIfAborted()
      throw faultOfBreak(told, doing, cause)
    }
  }

  const putAll: AllAtOnce['putAll'] = async (items, signal, progress) => {
    const doing = 'take the results'
    const length = await archiveLength(items)
    const bytes = archiveOf(items, progress)
    try {
      const headers = kindOf(fresh())
      const { status, body } = await ask(doing, {
        method: 'PUT',
        url: fresh(),
        headers,
        body: { bytes, length },
        signal,
      })
      const fault = faultOfStatus(told, doing, status, wordsOf(body))
      if (fault) throw fault
    } finally {
      bytes.destroy()
    }
  }

  const probe: Target['probe'] = async (signal) => {
    const place = new URL('/', fresh()) // Without what is secret of the address.
    await ask('answer', { method: 'HEAD', url: place, signal, silence: 15_000 })
  }

  return { takes: 'archive', told, probe, putAll }
}

/** What Azure wants to be told beside; all others sign what they want to know. */
const kindOf = ({ searchParams }: URL): Readonly<Record<string, string>> =>
  searchParams.has('sig') && searchParams.has('sv') ? { 'x-ms-blob-type': 'BlockBlob' } : {}
