import type { Command } from 'commander'
import { defaultState } from './state.ts'

/** What every verb that speaks to the bus takes. */
export type Common = {
  readonly nats?: string
  readonly creds?: string
  readonly state: string
  readonly json?: boolean
}

/** Where the server is unless told otherwise. */
export const defaultPort = 4222
export const localUrl = (port = defaultPort): string => `nats://127.0.0.1:${port}`

export const withConnection = (command: Command): Command =>
  command
    .option('--nats <url>', `the NATS server; by default ${localUrl()}, or NATS_URL`)
    .option('--creds <file>', 'the file that millrace certs host wrote for this machine')
    .option('--state <folder>', 'where state is kept on this machine', defaultState)

/** How to reach the server. */
export const connectionOf = ({ nats }: Pick<Common, 'nats' | 'creds'>) => ({
  url: nats ?? process.env.NATS_URL ?? localUrl(),
})
