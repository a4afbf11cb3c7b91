import type { Disk } from '#contracts/disk'
import type { Numbered, Recorded } from '#contracts/envelope'
import type { Address, Printer, Printers } from '#contracts/subjects'

/** One aggregate's events, oldest first, and the version that the next append must expect. */
export type History = { readonly events: readonly Recorded[]; readonly version: number }

/** Events of one aggregate, to be recorded after a version of it. */
export type Append = {
  readonly address: Address
  /** The sequence of the aggregate's last message, 0 where there is none yet; `any` for a script's facts alone. */
  readonly expectedVersion: number | 'any'
  readonly events: readonly Numbered[]
}

/** Events in the order of the log, as a follower gets them. */
export type Batch = {
  readonly events: readonly Recorded[]
  /** The last sequence that was looked at, messages that are no events included. */
  readonly upTo: number
  /** Messages under `events.` that are no events: no envelope, or one that names another subject. */
  readonly dropped: number
  /** How many messages are known to wait behind this batch. */
  readonly pending: number
}

/** Where a follower is: enough to notice that the log is another one, or shorter. */
export type Cursor = {
  readonly logId: string
  readonly sequence: number
  /** The id of the last event at or before `sequence` that had an envelope. */
  readonly lastId?: string | undefined
  /** The sequence of that event. */
  readonly lastSequence?: number | undefined
}

/** How long a delivery may go without a sign of life before it is delivered again, in milliseconds. */
export const lease = 30_000

/** One piece of work, delivered to one worker at a time. */
export type Work = {
  readonly event: Recorded
  /** How often it has been delivered, from 1. */
  readonly delivery: number
  /** Gives this delivery back, from any process: see `Bus.release`. */
  readonly receipt: string
  /** Renews the lease; resolves once the server knows. */
  readonly working: () => Promise<void>
  /**
   * Says that it is done and will not be delivered again, to whomever: only for whoever holds the latest delivery to say.
   * Resolves when the server knows.
   */
  readonly done: () => Promise<void>
  /** Whether somebody else waits for such work, who would be given this if it were given back. */
  readonly wanted: () => Promise<boolean>
  /** Gives it back, to be delivered again after a while. */
  readonly postpone: (milliseconds: number) => void
}

/** A request as whoever serves the subject gets it. */
export type Request = {
  readonly subject: string
  /** Who asks: the last token of the subject, pinned by the asker's permissions. */
  readonly principal: string
  /** For whom, where the asker may speak for others and does. */
  readonly onBehalfOf?: string | undefined
  readonly traceparent?: string | undefined
  readonly body: unknown
}

export type RequestOptions = {
  /** How long an answer is waited for, in milliseconds. */
  readonly timeout?: number | undefined
  readonly onBehalfOf?: string | undefined
  readonly traceparent?: string | undefined
}

/** Work to be put, once for each event and agent. */
export type WorkItem = { readonly where: string; readonly agent: string; readonly event: Recorded }

/** What an agent gave up on. */
export type Dead = {
  readonly where: string
  readonly agent: string
  readonly eventId: string
  readonly stream: string
  readonly sequence: number
  readonly attempts: number
  readonly reason: string
}

/** One line that work has printed. */
export type Line = {
  /** When, in milliseconds since 1970, by the clock of the host that printed it. */
  readonly at: number
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly text: string
  readonly more?: Readonly<Record<string, unknown>>
}

/** One execution of a part that prints. */
export type Output = Printer & {
  readonly attempt: number
  readonly delivery: number
  /** Which step of its part it takes, where a part has several. */
  readonly step?: string | undefined
}

/** Lines that one execution printed one after another. */
export type Printed = Output & {
  /** Where they lie in all that is printed. Grows; gaps are normal. */
  readonly place: number
  readonly lines: readonly Line[]
}

export type PrintedOptions = {
  /** The place behind which to begin; where its lines have expired, with the oldest that are left. */
  readonly after?: number | undefined
  /** Whether to wait for what is yet to be printed. */
  readonly live: boolean
  readonly signal: AbortSignal
}

/** Disks by the part whose folder lies there. */
export type Disks = Readonly<Record<string, Disk>>

/** A process that is there, by name. */
export type Presence = {
  readonly host: string
  readonly instance: string
  readonly machine: string
  readonly nodes: readonly string[]
  /** How much room it found for each part whose disk it looks after. */
  readonly disks?: Disks | undefined
  /** When it last said so, milliseconds since 1970, by the server's clock. */
  readonly seenAt: number
}

/** Bytes in a bucket, named by their digest. */
export type Buckets = {
  /** Whether a host's bucket holds these bytes. */
  readonly has: (host: string, digest: string) => Promise<boolean>
  /** Streams bytes into this host's bucket, once: what is there already is left alone. */
  readonly put: (host: string, digest: string, bytes: () => ReadableStream<Uint8Array>) => Promise<void>
  /** Streams bytes out of a host's bucket; errors when they stall, are missing or are not those of the digest. */
  readonly get: (host: string, digest: string, signal: AbortSignal) => AsyncIterable<Uint8Array>
  /** Deletes this host's chunks that no object names and that are older than `olderThan` ms; says how many. */
  readonly sweep: (host: string, olderThan: number) => Promise<number>
}

/** How the server is. */
export type Health = {
  readonly version: string
  /** The oldest version that will do. */
  readonly floor: string
  /** Bytes stored, and how many may be (-1: as many as the disk holds). */
  readonly storage: { readonly used: number; readonly limit: number } | undefined
  /** Whether a write is stored, how long that took, and how far the server's clock is ahead; milliseconds. */
  readonly write:
    | { readonly stored: true; readonly took: number; readonly ahead: number }
    | { readonly stored: false; readonly reason: string }
}

/** What this system asks of a message bus. JetStream provides it in production, an array in tests. */
export type Bus = {
  /** Identifies the log: sequences of two logs can't be compared. */
  readonly logId: string
  /** Who this connection is. */
  readonly principal: string
  /** The history of one aggregate, or what of it came after a version. Never stale. */
  readonly read: (address: Address, after?: number) => Promise<History>
  /** The last event of an aggregate; undefined where there is none. Never stale. */
  readonly last: (address: Address) => Promise<Recorded | undefined>
  /** Records all events or none, and says the last one's sequence. `conflict`: read again, they may be ours. */
  readonly append: (appends: readonly Append[]) => Promise<number | 'conflict'>
  /** The sequence of the log's last message. */
  readonly head: () => Promise<number>
  /** Hands on events after a cursor in order, one batch at a time, until `signal` aborts. Rejects where the log is another. */
  readonly follow: (
    after: Cursor,
    handle: (batch: Batch) => unknown,
    signal: AbortSignal,
    only?: readonly string[],
  ) => Promise<void>
  /** Hands each event to one of those who react under this name, at least once, until `signal` aborts. */
  readonly react: (name: string, handle: (batch: Batch) => Promise<void>, signal: AbortSignal) => Promise<void>
  /** Asks whoever serves the subject. Rejects at once where nobody does. */
  readonly request: (subject: string, body: unknown, options?: RequestOptions) => Promise<unknown>
  /** Answers requests on a subject, in turn with others who do, until `signal` aborts. */
  readonly serve: (
    subject: string,
    answer: (request: Request) => Promise<unknown>,
    signal: AbortSignal,
  ) => Promise<void>
  /** Puts work where its agents find it. What is there already is left alone. */
  readonly put: (items: readonly WorkItem[]) => Promise<void>
  /** Takes work of one agent, `concurrency` at a time over all who take it, until `signal` aborts and what was taken has been handled. */
  readonly take: (
    where: string,
    agent: string,
    handle: (work: Work) => Promise<void>,
    options: TakeOptions,
  ) => Promise<void>
  /** Gives back a delivery whose process is dead: it is delivered again at once. */
  readonly release: (receipt: string) => void
  /** Keeps what an agent gave up on. */
  readonly bury: (dead: Dead) => Promise<void>
  /** What agents gave up on, oldest first. */
  readonly dead: () => Promise<readonly Dead[]>
  /** Removes what was kept of a piece of work; what has been kept of it since stays. */
  readonly unbury: (dead: Dead) => Promise<void>
  /**
   * Keeps what an execution printed, for a while, and resolves once the server has stored it; of one caller who awaits
   * that, in order. A line too long for a message is cut and ends in ` …`: its text loses the end, and `more` is left out
   * where that is what is long. Where it rejects, the first lines may be kept.
   */
  readonly print: (output: Output, lines: readonly Line[]) => Promise<void>
  /**
   * Hands on what was printed, oldest first, one batch at a time: all that is there now and, where it is to be live, what
   * comes later, until `signal` aborts.
   */
  readonly printed: (
    of: Printers,
    handle: (printed: readonly Printed[]) => unknown,
    options: PrintedOptions,
  ) => Promise<void>
  /** Sets a timer that fires once or more at or after `at`; a second one for the same event is the same timer. */
  readonly setTimer: (where: string, event: Recorded, at: number) => Promise<void>
  /** Hands on timers that have fired, until `signal` aborts. */
  readonly timers: (where: string, handle: (event: Recorded) => Promise<void>, signal: AbortSignal) => Promise<void>
  /**
   * Takes a host's name, or refuses where another instance holds it; beats until `signal` aborts, then gives it back. What `disks`
   * says is told with each beat.
   */
  readonly appear: (
    presence: Omit<Presence, 'seenAt' | 'disks'>,
    signal: AbortSignal,
    disks?: () => Disks,
  ) => Promise<{ readonly gone: Promise<void> }>
  /** Who is there now: all, or whoever has one name. */
  readonly present: (host?: string) => Promise<readonly Presence[]>
  readonly buckets: Buckets
  /** Examines the server; writes one line that expires. */
  readonly examine: () => Promise<Health>
  /** Resolves when the connection has ended for good, with the reason if there was one. */
  readonly closed: Promise<Error | undefined>
  /** Whether the bus can be reached at this moment. */
  readonly connected: () => boolean
  /** Sends what waits and ends the connection. */
  readonly close: () => Promise<void>
}

export type TakeOptions = {
  readonly concurrency: number
  readonly signal: AbortSignal
}
