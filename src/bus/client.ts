/**
 * What a script uses: `import { connect } from 'millrace/client'`. A script is no host: it publishes facts, sends
 * commands, reads views and follows the log under its own name.
 */
import type { Recorded } from '#contracts/envelope'
import { logIdOf, sequenceOf } from '#contracts/names'
import { queryOf } from '#contracts/subjects'
import { ask as askOf } from './command.ts'
import { readCredentials, securityOf } from './credentials.ts'
import type { Answer } from './handle.ts'
import { openBus } from './jetstream.ts'
import { everyItem } from './pages.ts'
import { postFact } from './post.ts'

export type ConnectOptions = {
  /** The NATS server; `NATS_URL`, or the local one, unless given. */
  readonly url?: string
  /** Who the script is: letters, digits, - and _. A file of credentials says it by itself. */
  readonly principal?: string
  /** The file that `millrace certs script` wrote, where the server lets in only those whom it knows. */
  readonly creds?: string
}

type Read = { readonly after?: string } & Readonly<Record<string, unknown>>

export type Client = {
  /** Publishes a fact about a pipeline; gives a position at which it can be read (`after`). */
  readonly publish: (pipeline: string, type: string, data: object) => Promise<string>
  /** Sends a command to an aggregate of a pipeline: accepted with a position, or refused with a reason. */
  readonly ask: (pipeline: string, key: string, type: string, data: object) => Promise<Answer>
  /**
   * Reads a view, for example `runs`, from the process that keeps the pipeline's metadata. A list is a page, with `items` and
   * `next`, the cursor of the next one. Metrics come whole, as an array, unless `limit` or `cursor` asks for a page.
   */
  readonly query: <T = unknown>(pipeline: string, view: string, filters?: Read) => Promise<T>
  /** Events after a position, or all of the log where none is given, as they are recorded, until `signal` aborts. */
  readonly follow: (handle: (event: Recorded) => void, signal: AbortSignal, after?: string) => Promise<void>
  readonly close: () => Promise<void>
}

/** Connects a script to the bus. Rejects where no server answers. */
export const connect = async ({ url, principal = 'script', creds }: ConnectOptions = {}): Promise<Client> => {
  const carried = creds === undefined ? undefined : readCredentials(creds)
  const server = url ?? carried?.url ?? process.env.NATS_URL ?? 'nats://127.0.0.1:4222'
  const security = carried && securityOf(carried, carried.ca, server)
  const bus = await openBus({ url: server, principal, ...(security && { security }) })
  const askFor = (pipeline: string, view: string, filters: Read): Promise<unknown> =>
    bus.request(queryOf(view, pipeline, bus.principal), filters, { timeout: 15_000 })
  return {
    publish: (pipeline, type, data) => postFact(bus, { scope: pipeline, type, data }),
    ask: (pipeline, key, type, data) =>
      askOf(bus, { address: { aggregate: type.split('.')[0] ?? '', scope: pipeline, key }, type, data }),
    query: async <T>(pipeline: string, view: string, filters: Read = {}) =>
      (view === 'metrics' && !('limit' in filters) && !('cursor' in filters)
        ? await everyItem((page) => askFor(pipeline, view, { ...filters, ...page }))
        : await askFor(pipeline, view, filters)) as T,
    follow: (handle, signal, after) =>
      bus.follow(
        {
          logId: after === undefined ? bus.logId : logIdOf(after),
          sequence: sequenceOf(after),
        },
        ({ events }) => {
          for (const event of events) handle(event)
        },
        signal,
      ),
    close: bus.close,
  }
}
