import { connectionFrom } from '#bus/connection-of'
import { openBus } from '#bus/jetstream'
import { type Client, clientOf } from './client.ts'
import { knownOptions } from './options.ts'

export type { Preview } from '#contracts/repetition'
export type * from './artifacts.ts'
export type { Client } from './client.ts'
export type { LogLine, LogsOptions } from './logs.ts'
export { openLineageOf, type RunEvent } from './open-lineage.ts'
export type { Page } from './page.ts'
export type { RerunOptions } from './repeating.ts'
export type * from './rows.ts'
export type { Started } from './starting.ts'

export type ConnectOptions = {
  /** The NATS server; `NATS_URL`, the one of the state folder, or that at the usual port of this machine, unless given. */
  readonly url?: string
  /** Where state is kept on this machine: it says where its server is, and holds the credentials for it. `.millrace` unless given. */
  readonly state?: string
  /** Who the script is: letters, digits, - and _. A file of credentials says it by itself. */
  readonly principal?: string
  /** The file that `millrace certs script` wrote, where the server lets in only those whom it knows. */
  readonly creds?: string
}

const known = knownOptions<ConnectOptions>('connect', { url: true, state: true, principal: true, creds: true })

/**
 * Connects a script to the bus. A script is no host: what it publishes, asks and reads, it does under its own name. Rejects
 * where no server answers.
 */
export const connect = async (options: ConnectOptions = {}): Promise<Client> => {
  const { url, principal = 'script', ...named } = known(options)
  return clientOf(
    await openBus({ ...connectionFrom({ ...named, ...(url !== undefined && { nats: url }) }), principal }),
  )
}
