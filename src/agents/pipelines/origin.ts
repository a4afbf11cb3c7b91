import type { By } from '#contracts/artifact'
import type { Cause } from '#contracts/envelope'
import type { Card } from './registry-card.ts'

/** How bytes came into a folder, which says what is recorded of it. */
export type Arrival = {
  /**
   * `saved`: a node of this pipeline produced them. `uploaded`: a client of another pipeline sent them here.
   * `downloaded`: they were fetched here from the store that this folder's client stands for. `kept`: about to be sent.
   * `fetched`: they were read from the resource that this folder mirrors.
   */
  readonly how: 'saved' | 'uploaded' | 'downloaded' | 'kept' | 'fetched'
  readonly by?: By | undefined
  /** Which delivery of the work that execution is: a later one may write its files again. */
  readonly delivery?: number | undefined
  /** The other end: the client that sent them, or the store they were fetched from. */
  readonly peer?: string | undefined
  readonly overwrite?: boolean | undefined
  readonly tags?: Readonly<Record<string, string>> | undefined
  /** The card that is saved beside them, and tagged with them. */
  readonly card?: Card | undefined
  /** What they are the card of. With a digest, that is told of its card too; else whoever saved it has done so. */
  readonly cardOf?: { readonly path: string; readonly digest?: string } | undefined
  /** Which version of its resource they are. */
  readonly version?: string | undefined
  readonly causedBy?: Cause | undefined
  /** How long it was on its way, in milliseconds. */
  readonly took?: number | undefined
  /** Who asked for it, where that is not this host. */
  readonly principal?: string | undefined
  /** What this asking is called: what is asked again because no answer came says nothing twice. */
  readonly call?: string | undefined
}

/** Whose execution a file is from: the same one may write it again after it was killed. */
export const originOf = ({ how, by, peer }: Arrival): string =>
  how === 'fetched' ? 'fetched its resource' : `${how} ${by ? `${by.run} ${by.part}` : (peer ?? 'a script')}`

/** An origin as people say it: `saved root/0 root/train` came from root/train in run root/0. */
export const whoIs = (origin: string): string => {
  const [, run, part] = /^\w+ (\S+) (\S+\/\S+)$/.exec(origin) ?? []
  return part ? `${part} in run ${run}` : origin.replace(/^\w+ /, '')
}

/** How whoever finds a path taken can go on. */
export const adviceFor = ({ how, by }: Arrival): string => {
  if (how === 'saved') return 'To replace it, save with { overwrite: true }'
  if (how === 'downloaded') return 'A download replaces nothing but what was downloaded'
  return by
    ? 'An upload replaces nothing: give it another name'
    : 'To replace it: millrace artifacts put --overwrite, in a script { overwrite: true }, over HTTP ?overwrite=true'
}

/** Which of all deliveries of an execution's attempts wrote something: a later one has a higher number. */
export const turnOf = ({ by, delivery }: Arrival): number | undefined =>
  by && delivery !== undefined ? by.attempt * 1_000_000 + delivery : undefined
