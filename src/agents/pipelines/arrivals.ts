import type { Bus } from '#bus/bus'
import { knownIn } from '#contracts/all'
import type { ArtifactEvent } from '#contracts/artifact'
import type { Cause, Recorded } from '#contracts/envelope'
import { sequenceOf, splitPart } from '#contracts/names'
import type { Offer } from '#contracts/pipeline'
import type { Listed } from './handles.ts'

type File = Listed & { readonly sequence: number; readonly cause: Cause }

/** What can be offered of one resource: the range of the log, the newest bytes of each path in it, and what came last. */
export type Offerable = { readonly offer: Offer; readonly fresh: readonly Listed[]; readonly cause: Cause | undefined }

/** What has arrived at resources, and is not forgotten yet because it was offered. */
export const openArrivals = (logId: string) => {
  const arrived = new Map<string, { readonly files: Map<string, File>; last: number }>()

  const take = (event: Recorded & Extract<ArtifactEvent, { type: 'artifact.detected' | 'artifact.gone' }>): void => {
    const { sequence, data } = event
    const at = arrived.get(data.store) ?? { files: new Map<string, File>(), last: 0 }
    arrived.set(data.store, at)
    at.last = sequence
    if (event.type === 'artifact.gone') at.files.delete(data.path)
    else
      at.files.set(data.path, {
        path: data.path,
        digest: event.data.digest,
        size: event.data.size,
        sequence,
        cause: event,
      })
  }

  /** What has come to a resource after a position. */
  const since = (resource: string, after = `${logId}.0`): Offerable => {
    const { files, last } = arrived.get(resource) ?? { files: new Map<string, File>(), last: 0 }
    const fresh = [...files.values()].filter(({ sequence }) => sequence > sequenceOf(after))
    const newest = fresh.reduce<File | undefined>((a, b) => (a && a.sequence > b.sequence ? a : b), undefined)
    const upTo = `${logId}.${Math.max(last, sequenceOf(after))}`
    return { offer: { resource, after, upTo, count: fresh.length }, fresh, cause: newest?.cause }
  }

  const forget = (offered: Readonly<Record<string, string>>): void => {
    for (const [resource, { files }] of arrived)
      for (const [path, { sequence }] of files) if (sequence <= sequenceOf(offered[resource])) files.delete(path)
  }

  return { take, since, forget }
}

/** What had come to a resource in a range of the log, (after, up to]: the newest bytes of each path that is still there. */
export const arrivedIn = async (
  bus: Pick<Bus, 'read'>,
  resource: string,
  after: string,
  upTo: string,
): Promise<ReadonlyMap<string, Listed>> => {
  const { pipeline: scope, node: key } = splitPart(resource)
  const { events } = await bus.read({ aggregate: 'artifact', scope, key }, sequenceOf(after))
  const files = new Map<string, Listed>()
  for (const recorded of events) {
    if (recorded.sequence > sequenceOf(upTo)) break
    const event = knownIn<ArtifactEvent>(recorded)
    if (event?.type === 'artifact.gone') files.delete(event.data.path)
    if (event?.type === 'artifact.detected') {
      const { path, digest, size } = event.data
      files.set(path, { path, digest, size })
    }
  }
  return files
}

/** What a run that files start says of them. */
export const messageOf = (offers: readonly Offerable[]): string =>
  offers
    .map(({ offer: { resource }, fresh }) => {
      const names = fresh.slice(0, 3).map(({ path }) => path)
      const more = fresh.length > names.length ? ` and ${fresh.length - names.length} more` : ''
      return `${resource}: ${names.join(', ')}${more}`
    })
    .join('; ')
