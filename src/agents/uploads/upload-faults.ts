import { Fault, reasonOf } from '#bus/fault'

const setAnew = 'Set a new cloud link, and retry'

/**
 * All that can go wrong with where results go: `told` names that place without its secrets, `doing` completes "to …". A fault of the
 * code `upload.unavailable` may pass by itself; every other one stays until somebody does something.
 */
export const uploadFaults = {
  unavailable: (told: string, doing: string, said: string, cause?: unknown) =>
    new Fault('upload.unavailable', `${told} did not ${doing}: ${said}. See that it can be reached, and retry`, {
      cause,
    }),
  refused: (told: string, doing: string, said: string, todo = setAnew, cause?: unknown) =>
    new Fault('upload.refused', `${told} refused to ${doing}: ${said}. ${todo}`, { cause }),
  expired: (told: string, at: Date) =>
    new Fault('upload.expired', `The link to ${told} has expired at ${at.toISOString()}. ${setAnew}`),
  altered: (path: string, how: string) =>
    new Fault('upload.altered', `${path} is not what its manifest says: ${how}. Fetch the results again, and retry`),
  badSecret: (told: string) =>
    new Fault('upload.no-secret', `What is kept of the link to ${told} is not what it takes. ${setAnew}`),
}

/** Whether another try may come to something else. */
export const passesByItself = (thrown: unknown): boolean =>
  thrown instanceof Fault && thrown.code === 'upload.unavailable'

/** What a status says to whoever sees to it; undefined where it says that it worked. */
export const faultOfStatus = (told: string, doing: string, status: number, words = ''): Fault | undefined => {
  if (status >= 200 && status < 300) return undefined
  const said = words === '' ? `it answered ${status}` : `it answered ${status}, ${words}`
  switch (status) {
    case 401:
    case 403:
      return uploadFaults.refused(told, doing, `${said}: the link has expired, or may not do that`)
    case 404:
    case 409:
    case 410:
      return uploadFaults.refused(
        told,
        doing,
        `${said}: the place is not there`,
        `Make it there, or set a new cloud link, and retry`,
      )
    case 413:
    case 507:
      return uploadFaults.refused(told, doing, `${said}: there is no room for it`, 'Make room there, and retry')
    case 408:
    case 423: // Somebody else holds it at this moment.
    case 425:
    case 429:
      return uploadFaults.unavailable(told, doing, said)
    default:
      if (status >= 300 && status < 400)
        return uploadFaults.refused(told, doing, `${said}, a way to another place, which is not followed`)
      return status >= 500 && status !== 501 && status !== 505
        ? uploadFaults.unavailable(told, doing, said)
        : uploadFaults.refused(told, doing, said)
  }
}

/** What stands between this machine and a place, for good: a certificate that is not to be trusted, an address that is none. */
const lasting = /CERT|SELF_SIGNED|UNABLE_TO|ERR_TLS|ERR_SSL|EPROTO|ERR_INVALID|ERR_UNESCAPED/

/** What a request that got no answer says to whoever sees to it. A fault stays what it is. */
export const faultOfBreak = (told: string, doing: string, cause: unknown): Fault => {
  if (cause instanceof Fault) return cause
  const { code } = cause as NodeJS.ErrnoException
  return lasting.test(code ?? '')
    ? uploadFaults.refused(told, doing, reasonOf(cause), setAnew, cause)
    : uploadFaults.unavailable(told, doing, reasonOf(cause) || String(code), cause)
}

/** The first words of an answer, as people read them: without tags and control characters. */
export const wordsOf = (body: Buffer): string =>
  body
    .subarray(0, 2_000)
    .toString()
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/[\p{C}\s]+/gu, ' ')
    .trim()
    .slice(0, 200)
