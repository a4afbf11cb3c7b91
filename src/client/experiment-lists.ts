import type { z } from 'zod'
import type { Bus } from '#bus/bus'
import type { Room } from '#contracts/disk'
import { portalPlace } from '#contracts/experiment-parts'
import type { Wait } from '#contracts/experiment-waits'
import type { Preferences } from '#contracts/notification'
import { addressOfPortal } from '#contracts/portal'
import type { ResultList, ResultProvided, resultListAsked } from '#contracts/result-files'
import { serviceOf } from '#contracts/subjects'
import { read } from './asking.ts'
import { type Page, type Paging, said } from './page.ts'

/** An experiment in the list, as far as whoever asks may see it. */
export type ExperimentRow = {
  readonly experiment: string
  readonly project: string
  readonly name: string
  readonly creator: string
  readonly mode: string
  readonly status: string
  readonly subState: string
  readonly failedStep: string | null
  readonly reason: string | null
  readonly sites: readonly string[]
  readonly attempt: number
  readonly waitsFor: string | null
  /** When the host that takes a step of it was last heard, where it is away. */
  readonly heardUntil: string | null
  readonly createdAt: string
  readonly changedAt: string
}

export type ExperimentFilters = Paging & {
  readonly project?: string | undefined
  readonly site?: string | undefined
  readonly mode?: string | undefined
  readonly status?: string | undefined
  readonly waitsFor?: string | undefined
  /** Anywhere in its id, name or description. */
  readonly text?: string | undefined
}

/** An experiment's parts: when the host that takes a step of each was last heard, where it is away. */
export type Heard = {
  readonly parts: readonly { readonly part: string; readonly heardUntil: string | null; readonly away: string | null }[]
}

/** Something that waits for whoever asks, and the command that moves it on. */
export type InboxRow = {
  readonly experiment: string
  readonly name: string
  /** Why a step failed, or what was declined. */
  readonly reason: string | null
  readonly waitsFor: string
  readonly what: string
  readonly part: string | null
  /** The command that moves it on, and what end nodes are to be chosen for it. */
  readonly command?: Wait['command'] | null
  readonly needs?: Wait['needs'] | null
  readonly at: string
}

/** An end node, and which experiment has it. */
export type EndNodeRow = {
  readonly part: string
  readonly type: string
  readonly capabilities: readonly string[]
  readonly state: string
  readonly occupiedBy: string | null
  /** The host that runs its own agent; null where its site server drives it. */
  readonly agent: string | null
  /** Whether that one is there now; null where nobody can tell. */
  readonly present: boolean | null
  /** How much room there is, in bytes; null where nobody can tell. */
  readonly disk: Room | null
}

/** A span in which an end node is kept free; whose it is stands there for those of that project, and for operators. */
export type ReservationRow = {
  readonly part: string
  readonly startsAt: string
  readonly endsAt: string
  readonly project: string | null
  readonly reservation: string | null
  readonly by: string | null
  readonly note: string | null
}

export type ReservationFilters = Pick<Paging, 'limit' | 'cursor'> & {
  readonly part?: string | undefined
  readonly site?: string | undefined
  /** Narrow to what lies between, as ISO 8601 has times. */
  readonly from?: string | undefined
  readonly until?: string | undefined
}

/** As whom the portal knows whoever asks, and what they want to be told; null where they have not said so. */
export type MeRow = {
  readonly name: string | null
  readonly portal: boolean
  readonly roles: readonly string[]
  readonly projects: readonly string[]
  readonly preferences: Preferences | null
}

/** What can be read of a portal's experiments over the bus, from the web process that keeps it. */
export const experimentListsOf = (bus: Bus) => {
  const of = <Row>(view: string, filters: object) =>
    read<Page<Row>>(bus, addressOfPortal.scope, view, said(filters as Readonly<Record<string, unknown>>))
  const ask = async (verb: string, about: object): Promise<unknown> =>
    bus.request(serviceOf(portalPlace, 'results', verb, bus.principal), about, { timeout: 120_000 })
  return {
    /** Experiments, newest first. */
    list: (filters: ExperimentFilters = {}) => of<ExperimentRow>('experiments', filters),
    /** Who is there of those that take its steps; rejects where nobody keeps what is listed. */
    heard: (experiment: string) => read<Heard>(bus, addressOfPortal.scope, 'experiment', { experiment }),
    /** What waits for whoever asks, oldest first. */
    inbox: (filters: Paging = {}) => of<InboxRow>('inbox', filters),
    /** For whom end nodes are kept free, by when that begins. */
    reservations: (filters: ReservationFilters = {}) => of<ReservationRow>('reservations', filters),
    me: () => read<MeRow>(bus, addressOfPortal.scope, 'me', {}),
    endNodes: (filters: Paging & { readonly site?: string | undefined } = {}) => of<EndNodeRow>('end-nodes', filters),
    /**
     * Files that an experiment has left, once they are at the portal: some of each end node, and behind which path there are more of
     * that one.
     */
    results: async (asked: z.output<typeof resultListAsked>) => (await ask('list', said(asked))) as ResultList,
    /** The bytes of one of them, and its size and hash; the stream breaks where they are others. */
    result: async (
      about: { readonly experiment: string; readonly site: string; readonly node: string; readonly path: string },
      signal: AbortSignal,
    ) => {
      const { host, digest, size } = (await ask('provide', about)) as ResultProvided
      return { digest, size, bytes: bus.buckets.get(host, digest, signal) }
    },
  }
}
